/** Options of a file as they are written: in COPY … (…), and as named arguments of read_csv and the like. */
import { DbError } from '../../core/errors.js';
import { nearestName } from '../../core/nearest-name.js';
import { fileFormatNamed, type GivenFileOptions } from '../../formats/files/file-options.js';

export interface FileSetting {
  /** Lower case. */
  readonly name: string;
  /** null: the name stands alone, or NULL. */
  readonly value: string | number | bigint | boolean | null;
  readonly position: number;
}

type Read = (setting: FileSetting) => GivenFileOptions;

const delimiter: Read = (setting) => ({ delimiter: textOf(setting) });
const nullText: Read = (setting) => ({ nullText: textOf(setting) });
const compression: Read = (setting) => ({ compression: choiceOf(setting, ['auto', 'none', 'gzip', 'snappy'] as const) });

const notYet: Read = (setting) => {
  throw unsupportedSetting(setting, 'leave it away');
};

const SETTINGS: Readonly<Record<string, Read>> = {
  format: (setting) => ({ format: fileFormatNamed(textOf(setting)) }),
  header: (setting) => ({ header: setting.value === 'match' ? true : flagOf(setting) }),
  delimiter,
  delim: delimiter,
  sep: delimiter,
  null: nullText,
  nullstr: nullText,
  quote: (setting) => ({ quote: textOf(setting) }),
  escape: (setting) => ({ quoteEscape: textOf(setting) }),
  encoding: (setting) => {
    if (!/^utf-?8$/i.test(textOf(setting))) throw unsupportedSetting(setting, 'files are UTF-8');
    return {};
  },
  compression,
  codec: compression,
  array: (setting) => ({ array: flagOf(setting) }),
  // COPY … WITH CSV
  csv: () => ({ format: 'csv' }),
  columns: notYet,
  types: notYet,
  row_group_size: notYet,
  partition_by: notYet,
  overwrite: notYet,
  force_quote: notYet,
  force_not_null: notYet,
  force_null: notYet,
  freeze: notYet,
  on_error: notYet,
  dateformat: notYet,
  timestampformat: notYet,
  skip: (setting) => ({ skip: countOf(setting) }),
  union_by_name: notYet,
  filename: notYet,
  hive_partitioning: notYet,
};

/** What is said of several files together, and the other settings. */
export function unionSettings(settings: readonly FileSetting[]): {
  readonly byName: boolean;
  readonly fileName: string | null;
  readonly others: readonly FileSetting[];
} {
  const byName = settings.find((setting) => setting.name === 'union_by_name');
  const named = settings.find((setting) => setting.name === 'filename');
  const isName = typeof named?.value === 'string' && !/^(true|false)$/i.test(named.value);
  return {
    byName: byName !== undefined && flagOf(byName),
    fileName: named === undefined ? null : isName ? String(named.value) : flagOf(named) ? 'filename' : null,
    others: settings.filter((setting) => setting !== byName && setting !== named),
  };
}

/** Fails with `invalid_argument` or `unsupported`, at the option. */
export function givenOptions(settings: readonly FileSetting[]): GivenFileOptions {
  const given: Record<string, unknown> = {};
  const seen = new Set<string>();
  for (const setting of settings) {
    const read = Object.hasOwn(SETTINGS, setting.name) ? SETTINGS[setting.name] : undefined;
    if (!read) throw unknownSetting(setting);
    if (seen.has(setting.name)) throw invalid(setting, 'it is given twice');
    seen.add(setting.name);
    try {
      Object.assign(given, read(setting));
    } catch (error) {
      if (!(error instanceof DbError) || error.position !== undefined) throw error;
      throw new DbError(error.code, error.message, { position: setting.position, hint: error.hint });
    }
  }
  return given;
}

function unknownSetting({ name, position }: FileSetting): DbError {
  const nearest = nearestName(name, Object.keys(SETTINGS));
  const hint =
    nearest === undefined
      ? `there are format, header, delimiter, quote, escape, null, skip, compression, array`
      : `did you mean ${nearest}?`;
  return new DbError('invalid_argument', `files have no option ${name}`, { position, hint });
}

function invalid({ name, position }: FileSetting, why: string): DbError {
  return new DbError('invalid_argument', `option ${name}: ${why}`, { position });
}

function unsupportedSetting({ name, value, position }: FileSetting, hint: string): DbError {
  return new DbError('unsupported', `${name} ${String(value)} is not executed by this version yet`, { position, hint });
}

function countOf(setting: FileSetting): number {
  const count = Number(setting.value);
  if (typeof setting.value !== 'string' && Number.isInteger(count) && count >= 0 && setting.value !== null) return count;
  throw invalid(setting, 'it takes a number of lines');
}

function textOf(setting: FileSetting): string {
  if (typeof setting.value === 'string') return setting.value;
  throw invalid(setting, 'it takes a text');
}

function flagOf(setting: FileSetting): boolean {
  const text = String(setting.value ?? true).toLowerCase();
  if (['true', 'on', '1', 'yes'].includes(text)) return true;
  if (['false', 'off', '0', 'no'].includes(text)) return false;
  throw invalid(setting, 'it is true or false');
}

function choiceOf<Choice extends string>(setting: FileSetting, choices: readonly Choice[]): Choice {
  const text = textOf(setting).toLowerCase();
  const chosen =
    choices.find((choice) => choice === text) ?? (text === 'uncompressed' ? choices.find((each) => each === 'none') : undefined);
  if (['zstd', 'brotli', 'lz4', 'bzip2'].includes(text)) throw unsupportedSetting(setting, choices.join(', '));
  if (chosen === undefined) throw invalid(setting, `${text} is none of ${choices.join(', ')}`);
  return chosen;
}
