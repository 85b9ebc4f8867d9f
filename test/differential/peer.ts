/** DuckDB in a child process. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { pythonPath } from '../e2e/server.js';
import type { Cell } from './values.js';

export type PeerReply = { readonly rows: readonly (readonly Cell[])[]; readonly error?: undefined } | { readonly error: string };

export class Peer {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly lines: AsyncIterator<string>;
  private readonly reader: Interface;

  constructor() {
    this.child = spawn(pythonPath(), [fileURLToPath(new URL('duckdb_peer.py', import.meta.url))]);
    this.child.stderr.pipe(process.stderr);
    this.reader = createInterface({ input: this.child.stdout });
    this.lines = this.reader[Symbol.asyncIterator]();
  }

  /** Forgets all tables. */
  reset(): Promise<PeerReply> {
    return this.send({ reset: true });
  }

  run(sql: string): Promise<PeerReply> {
    return this.send({ sql });
  }

  close(): void {
    this.reader.close();
    this.child.stdin.end();
    this.child.kill();
  }

  private async send(request: object): Promise<PeerReply> {
    this.child.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.lines.next();
    if (done) throw new Error('the DuckDB process ended');
    return JSON.parse(value) as PeerReply;
  }
}
