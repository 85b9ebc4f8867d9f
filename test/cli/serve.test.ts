import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('../../dist/bundle/fletch.js', import.meta.url));
const folder = join(mkdtempSync(join(tmpdir(), 'fletch-serve-')), 'data');

function serve(...flags: string[]): ChildProcess {
  return spawn(
    process.execPath,
    [MAIN, 'serve', '--path', folder, '--http-port', '0', '--no-flight', '--memory-limit', '200MB', ...flags],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
}

async function endpoint(server: ChildProcess): Promise<string> {
  let text = '';
  for await (const part of server.stdout ?? []) {
    text += String(part);
    const match = /^http {2}(http:\/\/127\.0\.0\.1:\d+)\n/.exec(text);
    if (match) return match[1] as string;
  }
  throw new Error(`no endpoint in ${text}`);
}

const run = (...args: string[]) =>
  spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', env: { ...process.env, FLETCH_MEMORY_LIMIT: '200MB' } });

describe('the built command', () => {
  test('serve answers, SIGTERM ends it with 0, and what was written is there for sql --path', async () => {
    const server = serve();
    const url = await endpoint(server);
    expect((await fetch(`${url}/ping`)).status).toBe(200);
    const create = await fetch(url, {
      method: 'POST',
      body: "CREATE TABLE t (a BIGINT, s UTF8); INSERT INTO t VALUES (1, 'x'), (2, NULL)",
    });
    expect(create.status).toBe(200);
    const locked = run('sql', '--path', folder, 'SELECT 1');
    expect(locked.status).toBe(1);
    expect(locked.stderr).toContain('(locked)');
    server.kill('SIGTERM');
    expect((await once(server, 'exit'))[0]).toBe(0);
    const { stdout, status } = run('sql', '--path', folder, '--format', 'csv', 'SELECT * FROM t ORDER BY a');
    expect(stdout).toBe('a,s\n1,x\n2,\n');
    expect(status).toBe(0);
  });

  test('serve does not start on an address that others reach, nor on a port that is taken', async () => {
    const open = run('serve', '--path', ':memory:', '--host', '0.0.0.0', '--http-port', '0', '--no-flight');
    expect(open.status).toBe(2);
    expect(open.stderr).toContain('--insecure');
    const server = serve();
    const { port } = new URL(await endpoint(server));
    const second = run('serve', '--path', ':memory:', '--http-port', port, '--no-flight');
    expect(second.status).toBe(1);
    expect(second.stderr).toContain('(io_error)');
    server.kill('SIGINT');
    expect((await once(server, 'exit'))[0]).toBe(0);
  });
});
