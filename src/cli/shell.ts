/** The interactive shell of `fletch sql`. */
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { formatNamed } from '../formats/encoders/formats.js';
import { errorText } from './error-text.js';
import { type Io, write } from './io.js';
import type { SqlSession } from './sql-session.js';
import { isComplete } from './statement-end.js';

const HISTORY_LINES = 1000;

const HELP = `Statements end with ; and may take several lines.
  \\d            tables
  \\d TABLE      columns of a table
  \\dt           tables
  \\timing       show how long statements take, or stop it
  \\format NAME  pretty, csv, tsv, json, ndjson, markdown
  \\q            leave (also exit, quit, Ctrl-D)
  .help         this
Ctrl-C drops what was typed, or cancels the running statement.
`;

export class Shell {
  private readonly io: Io;
  private readonly session: SqlSession;
  private readonly history: History;
  private buffer = '';
  private timing = false;
  private format = 'pretty';
  private running: AbortController | undefined;

  constructor(io: Io, session: SqlSession) {
    this.io = io;
    this.session = session;
    this.history = new History(io.variables.FLETCH_HISTORY ?? join(homedir(), '.fletch_history'));
  }

  /** Reads lines until the end of the input or \q. */
  async run(greeting: string): Promise<void> {
    await write(this.io.output, greeting);
    const lines = createInterface({
      input: this.io.input,
      output: this.io.output,
      terminal: this.io.output.isTTY === true,
      history: this.history.load(),
      historySize: HISTORY_LINES,
      removeHistoryDuplicates: true,
    });
    lines.on('SIGINT', () => this.interrupt(lines));
    this.prompt(lines);
    for await (const line of lines) {
      if ((await this.take(line)) === 'leave') break;
      this.prompt(lines);
    }
    lines.close();
  }

  private prompt(lines: Interface): void {
    lines.setPrompt(this.buffer === '' ? 'fletch> ' : '   ...> ');
    lines.prompt();
  }

  private interrupt(lines: Interface): void {
    if (this.running) {
      this.running.abort();
      return;
    }
    this.buffer = '';
    lines.write(null, { ctrl: true, name: 'u' });
    this.io.output.write('^C\n');
    this.prompt(lines);
  }

  private async take(line: string): Promise<'leave' | undefined> {
    const word = line.trim();
    if (this.buffer === '') {
      if (word === '') return undefined;
      if (['exit', 'quit', '\\q', '.exit', '.quit'].includes(word.replace(/;$/, '').toLowerCase())) return 'leave';
      if (word.startsWith('\\') || word.startsWith('.')) {
        this.history.add(word);
        await this.command(word);
        return undefined;
      }
    }
    this.buffer = this.buffer === '' ? line : `${this.buffer}\n${line}`;
    if (!isComplete(this.buffer)) return undefined;
    const sql = this.buffer;
    this.buffer = '';
    this.history.add(sql.replaceAll('\n', ' '));
    await this.statement(sql);
    return undefined;
  }

  private async command(word: string): Promise<void> {
    const [name, argument] = word.split(/\s+/, 2) as [string, string | undefined];
    if (name === '\\d' && argument !== undefined) return await this.statement(`DESCRIBE ${argument.replace(/;$/, '')}`);
    if (name === '\\d' || name === '\\dt') return await this.statement('SHOW TABLES');
    if (name === '.help' || name === '\\?' || name === '\\h') return await write(this.io.output, HELP);
    if (name === '\\timing') {
      this.timing = !this.timing;
      return await write(this.io.output, `timing is ${this.timing ? 'on' : 'off'}\n`);
    }
    if (name === '\\format' && argument !== undefined) return await this.chooseFormat(argument);
    await write(this.io.output, `unknown command ${name}; .help lists them\n`);
  }

  private async chooseFormat(name: string): Promise<void> {
    try {
      this.format = formatNamed(name).name;
    } catch (error) {
      await write(this.io.output, errorText(error));
    }
  }

  private async statement(sql: string): Promise<void> {
    const started = performance.now();
    this.running = new AbortController();
    try {
      let last = 0x0a;
      await this.session.run(sql, { format: this.format, signal: this.running.signal }, async (bytes) => {
        last = bytes.at(-1) ?? last;
        await write(this.io.output, bytes);
      });
      if (last !== 0x0a) await write(this.io.output, '\n');
      if (this.timing) await write(this.io.output, `${(performance.now() - started).toFixed(1)} ms\n`);
    } catch (error) {
      await write(this.io.output, errorText(error, sql));
    } finally {
      this.running = undefined;
    }
  }
}

/** One line a statement, newest last in the file. A history that cannot be kept is no reason to stop. */
class History {
  private readonly file: string;
  private isKept = true;

  constructor(file: string) {
    this.file = file;
  }

  /** Newest first, as readline wants it. */
  load(): string[] {
    try {
      return readFileSync(this.file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .slice(-HISTORY_LINES)
        .reverse();
    } catch (error) {
      this.isKept = (error as NodeJS.ErrnoException).code === 'ENOENT';
      return [];
    }
  }

  add(line: string): void {
    if (!this.isKept) return;
    try {
      mkdirSync(dirname(this.file), { recursive: true });
      appendFileSync(this.file, `${line}\n`, { mode: 0o600 });
    } catch (error) {
      this.isKept = false;
      process.emitWarning(`the history is not kept: ${(error as Error).message}`);
    }
  }
}
