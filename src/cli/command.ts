/** The one table of commands, and how a command line finds its command. */
import { DbError } from '../core/errors.js';
import { nearestName } from '../core/nearest-name.js';
import { SETTINGS, type SettingName } from '../core/settings.js';
import { VERSION } from '../version.js';
import { BACKUP_FLAGS, RESTORE_FLAGS, runBackup, runRestore } from './backup.js';
import { runCheck } from './check.js';
import { type CommandLine, type FlagTable, flagHelp, readCommandLine } from './config.js';
import { errorText } from './error-text.js';
import { EXPORT_FLAGS, runExport } from './export.js';
import { IMPORT_FLAGS, runImport } from './import.js';
import { type Io, write } from './io.js';
import { REPAIR_FLAGS, runRepair } from './repair.js';
import { runServe } from './serve.js';
import { runSql, SQL_FLAGS } from './sql.js';

interface CommandRow {
  readonly usage: string;
  readonly summary: string;
  readonly flags: FlagTable;
  /** Settings that the command's help shows. */
  readonly settings: readonly SettingName[];
  readonly run: (line: CommandLine, io: Io) => Promise<number>;
}

const ALL_SETTINGS = Object.keys(SETTINGS) as SettingName[];
const FOLDER_SETTINGS: readonly SettingName[] = ['path', 'read_only', 'threads', 'memory_limit'];

export const COMMANDS = {
  serve: { usage: 'fletch serve [flags]', summary: 'Serve a database folder.', flags: {}, settings: ALL_SETTINGS, run: runServe },
  sql: {
    usage: 'fletch sql [--path DIR | --url URL] ["SELECT …"]',
    summary: 'Run SQL: one statement, a script from a pipe, or a shell.',
    flags: SQL_FLAGS,
    settings: FOLDER_SETTINGS,
    run: runSql,
  },
  import: {
    usage: 'fletch import FILE… --table NAME [--path DIR | --url URL]',
    summary: 'Append CSV, NDJSON, JSON or Arrow files to a table.',
    flags: IMPORT_FLAGS,
    settings: FOLDER_SETTINGS,
    run: runImport,
  },
  export: {
    usage: 'fletch export [TABLE…] --output DIR [--format NAME] [--query SQL] [--path DIR | --url URL]',
    summary: 'Write tables, or the rows of a query, to Parquet, CSV, TSV, NDJSON, JSON or Arrow files.',
    flags: EXPORT_FLAGS,
    settings: FOLDER_SETTINGS,
    run: runExport,
  },
  check: {
    usage: 'fletch check [--path DIR]',
    summary: 'Compare everything that is stored with its checksums.',
    flags: {},
    settings: ['path', 'memory_limit'],
    run: runCheck,
  },
  repair: {
    usage: 'fletch repair [--path DIR] [--apply]',
    summary: 'Say what is damaged and would be lost, or leave it out and set it aside.',
    flags: REPAIR_FLAGS,
    settings: ['path', 'memory_limit'],
    run: runRepair,
  },
  backup: {
    usage: 'fletch backup TARGET [--path DIR] [--keep N]',
    summary: 'Back a database folder up into a folder of backups; it may be written meanwhile.',
    flags: BACKUP_FLAGS,
    settings: ['path', 'memory_limit'],
    run: runBackup,
  },
  restore: {
    usage: 'fletch restore TARGET --path DIR [--number N] | --check',
    summary: 'Make a new database folder of a backup, or verify all backups.',
    flags: RESTORE_FLAGS,
    settings: ['path'],
    run: runRestore,
  },
} as const satisfies Record<string, CommandRow>;

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

function overview(): string {
  const rows = Object.entries(COMMANDS).map(([name, row]) => `  ${name.padEnd(8)}${row.summary}\n`);
  return `FletchDB ${VERSION}\n\nfletch COMMAND [flags]\n\n${rows.join('')}\nfletch COMMAND --help shows a command's flags. Every setting may also stand in the environment\n(FLETCH_HTTP_PORT) or in a TOML file (--config).\n`;
}

function commandHelp(row: CommandRow): string {
  return `${row.usage}\n\n${row.summary}\n\n${flagHelp(row.flags, row.settings)}`;
}

/** Runs a command line; resolves with the exit code. Never throws. */
export async function runCommandLine(args: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = args;
  try {
    if (name === '--version' || name === '-v') return await say(io, `${VERSION}\n`);
    if (name === undefined || name === 'help' || name === '--help' || name === '-h') return await say(io, overview());
    if (!Object.hasOwn(COMMANDS, name)) throw unknownCommand(name);
    const row: CommandRow = COMMANDS[name as keyof typeof COMMANDS];
    const line = readCommandLine(rest, row.flags, io.variables);
    if (line.flags.help === true) return await say(io, commandHelp(row));
    return await row.run(line, io);
  } catch (error) {
    await write(io.errors, errorText(error));
    return error instanceof DbError && error.code === 'invalid_argument' ? EXIT_USAGE : EXIT_FAILED;
  }
}

function unknownCommand(name: string): DbError {
  const nearest = nearestName(name, Object.keys(COMMANDS));
  return new DbError('invalid_argument', `unknown command ${name}`, {
    hint: nearest === undefined ? 'fletch --help lists them' : `did you mean fletch ${nearest}?`,
  });
}

async function say(io: Io, text: string): Promise<number> {
  await write(io.output, text);
  return 0;
}
