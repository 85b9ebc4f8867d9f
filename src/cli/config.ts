/**
 * Settings from where a person may give them: flag, environment (FLETCH_…), TOML file, default, in this order. Names, help and checks
 * follow from the one SETTINGS table.
 */
import { readFileSync } from 'node:fs';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { parse as parseToml, TomlError } from 'smol-toml';
import { DbError } from '../core/errors.js';
import { nearestName } from '../core/nearest-name.js';
import { SETTINGS, type SettingName, type Settings, settingsWith } from '../core/settings.js';

const NAMES = Object.keys(SETTINGS) as SettingName[];

/** A flag of one command that is no setting. */
export interface FlagRow {
  readonly type: 'string' | 'boolean';
  readonly doc: string;
  /** What stands for the value in --help. */
  readonly value?: string;
}

export type FlagTable = Readonly<Record<string, FlagRow>>;

/** Flags that every command has. */
const COMMON_FLAGS = {
  config: { type: 'string', doc: 'TOML file of settings.', value: 'FILE' },
  help: { type: 'boolean', doc: 'Show this help.' },
} as const satisfies FlagTable;

export interface CommandLine {
  readonly settings: Settings;
  /** Settings that were given by flag, environment or file, so not left at their defaults. */
  readonly given: ReadonlySet<SettingName>;
  readonly flags: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];
}

export function flagName(setting: string): string {
  return setting.replaceAll('_', '-');
}

export function environmentName(setting: string): string {
  return `FLETCH_${setting.toUpperCase()}`;
}

/** Reads a command's arguments. Fails with `invalid_argument`, with the nearest name for what is unknown. */
export function readCommandLine(
  args: readonly string[],
  own: FlagTable,
  variables: Readonly<Record<string, string | undefined>>,
): CommandLine {
  const flags: FlagTable = { ...COMMON_FLAGS, ...own };
  const { values, positionals } = parseFlags(args, flags);
  const fromFlags = pickSettings(values);
  const file = values.config ?? variables.FLETCH_CONFIG;
  const fromFile = typeof file === 'string' ? readConfigFile(file) : {};
  const given = { ...fromFile, ...fromEnvironment(variables), ...fromFlags };
  const rest = Object.fromEntries(Object.entries(values).filter(([name]) => name in flags));
  return { settings: settingsWith(given), given: new Set(Object.keys(given) as SettingName[]), flags: rest, positionals };
}

type GivenSettings = Partial<Record<SettingName, string | number | boolean>>;

function parseFlags(args: readonly string[], flags: FlagTable): { values: Record<string, string | boolean>; positionals: string[] } {
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const [name, row] of Object.entries(flags)) options[name] = { type: row.type };
  for (const name of NAMES) {
    const isBoolean = SETTINGS[name].type === 'boolean';
    options[flagName(name)] = { type: isBoolean ? 'boolean' : 'string' };
    if (isBoolean) options[`no-${flagName(name)}`] = { type: 'boolean' };
  }
  options.help = { type: 'boolean', short: 'h' };
  const { values, tokens, positionals } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true });
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const option = options[token.name];
    if (!option) throw unknown('flag', token.rawName, Object.keys(options), '--');
    if (option.type === 'string' && token.value === undefined) throw new DbError('invalid_argument', `${token.rawName} needs a value`);
  }
  return { values: values as Record<string, string | boolean>, positionals };
}

function pickSettings(values: Record<string, string | boolean>): GivenSettings {
  const given: GivenSettings = {};
  for (const name of NAMES) {
    const value = values[flagName(name)];
    if (value !== undefined) given[name] = value;
    if (values[`no-${flagName(name)}`] === true) given[name] = false;
  }
  return given;
}

function fromEnvironment(variables: Readonly<Record<string, string | undefined>>): GivenSettings {
  const given: GivenSettings = {};
  for (const name of NAMES) {
    const value = variables[environmentName(name)];
    if (value !== undefined) given[name] = value;
  }
  return given;
}

function readConfigFile(file: string): GivenSettings {
  let document: Record<string, unknown>;
  try {
    document = parseToml(readFileSync(file, 'utf8'));
  } catch (error) {
    const what = error instanceof TomlError ? 'is not valid TOML' : 'cannot be read';
    throw new DbError('invalid_argument', `config file ${file} ${what}: ${(error as Error).message}`, { cause: error });
  }
  for (const [name, value] of Object.entries(document)) {
    if (!(NAMES as string[]).includes(name)) throw unknown(`key in ${file}:`, name, NAMES, '');
    if (!['string', 'number', 'boolean', 'bigint'].includes(typeof value))
      throw new DbError('invalid_argument', `config file ${file}: ${name} is no text, number or boolean`);
  }
  return document as GivenSettings;
}

function unknown(what: string, name: string, known: readonly string[], prefix: string): DbError {
  const nearest = nearestName(name.replace(/^-+/, ''), known);
  const hint = nearest === undefined ? 'fletch --help lists them' : `did you mean ${prefix}${nearest}?`;
  return new DbError('invalid_argument', `unknown ${what} ${name}`, { hint });
}

/** The lines of --help for flags. */
export function flagHelp(own: FlagTable, settings: readonly SettingName[]): string {
  const rows = Object.entries({ ...own, ...COMMON_FLAGS }).map(([name, row]: [string, FlagRow]): [string, string] => [
    `--${name}${row.type === 'string' ? ` ${row.value ?? 'TEXT'}` : ''}`,
    row.doc,
  ]);
  for (const name of settings) {
    const row = SETTINGS[name];
    const value = row.type === 'boolean' ? '' : ` ${row.type === 'string' ? 'TEXT' : row.type === 'bytes' ? 'BYTES' : 'N'}`;
    const negation = row.type === 'boolean' && row.default ? 'no-' : '';
    rows.push([`--${negation}${flagName(name)}${value}`, `${row.doc} [${String(row.default)}]`]);
  }
  const width = Math.max(...rows.map(([flag]) => flag.length));
  return rows.map(([flag, doc]) => `  ${flag.padEnd(width)}  ${doc}\n`).join('');
}
