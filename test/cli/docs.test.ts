/** Tables in docs/ are those of the code, both ways. `UPDATE_DOCS=1 npx vitest run test/cli/docs.test.ts` writes them again. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/command.js';
import { environmentName, flagName } from '../../src/cli/config.js';
import { ERRORS } from '../../src/core/errors.js';
import { SETTINGS } from '../../src/core/settings.js';
import { FORMATS } from '../../src/formats/encoders/formats.js';
import { METRICS } from '../../src/http/metrics.js';
import { INGEST_FORMATS, INGEST_OPTIONS } from '../../src/http/routes/ingest.js';
import { ROUTES } from '../../src/http/routes/table.js';
import { QUERY_OPTIONS } from '../../src/http/statement-input.js';

type Row = readonly string[];

const code = (text: string) => `\`${text}\``;
const entries = <T>(table: Readonly<Record<string, T>>, row: (name: string, value: T) => Row): Row[] =>
  Object.entries(table).map(([name, value]) => row(name, value));

/** What pyarrow raises for a gRPC status. */
const GRPC: Readonly<Record<number, readonly [name: string, raised: string]>> = {
  1: ['CANCELLED', 'flight.FlightCancelledError'],
  3: ['INVALID_ARGUMENT', 'pa.ArrowInvalid (a ValueError)'],
  4: ['DEADLINE_EXCEEDED', 'flight.FlightTimedOutError'],
  5: ['NOT_FOUND', 'pa.ArrowKeyError (a KeyError)'],
  6: ['ALREADY_EXISTS', 'pa.ArrowException'],
  7: ['PERMISSION_DENIED', 'flight.FlightUnauthorizedError'],
  9: ['FAILED_PRECONDITION', 'pa.ArrowInvalid (a ValueError)'],
  12: ['UNIMPLEMENTED', 'pa.ArrowNotImplementedError (a NotImplementedError)'],
  13: ['INTERNAL', 'flight.FlightInternalError'],
  14: ['UNAVAILABLE (try again)', 'flight.FlightUnavailableError'],
  15: ['DATA_LOSS', 'flight.FlightInternalError'],
  16: ['UNAUTHENTICATED', 'flight.FlightUnauthenticatedError'],
};

const codesOfStatus = (status: string) =>
  Object.entries(ERRORS).flatMap(([name, row]) => (String(row.grpc) === status ? [code(name)] : []));

const TABLES: Readonly<Record<string, { file: string; head: Row; rows: Row[] }>> = {
  routes: {
    file: 'http',
    head: ['route', 'does'],
    rows: ROUTES.map((route) => [code(`${String(route.method)} ${route.path}`), route.summary]),
  },
  'query options': { file: 'http', head: ['option', 'meaning'], rows: entries(QUERY_OPTIONS, (name, doc) => [code(name), doc]) },
  formats: {
    file: 'http',
    head: ['format', 'media type', 'also called', 'what'],
    rows: entries(FORMATS, (name, row) => [code(name), code(row.contentType), row.aliases.join(', '), row.doc]),
  },
  'ingest formats': {
    file: 'http',
    head: ['format', 'Content-Type'],
    rows: entries(INGEST_FORMATS, (name, row) => [code(name), row.contentTypes.map(code).join(', ')]),
  },
  'ingest options': { file: 'http', head: ['option', 'meaning'], rows: entries(INGEST_OPTIONS, (name, doc) => [code(name), doc]) },
  errors: {
    file: 'http',
    head: ['code', 'status', 'try again', 'meaning'],
    rows: entries(ERRORS, (name, row) => [code(name), String(row.http), row.retryable ? 'yes' : 'no', row.doc]),
  },
  'flight errors': {
    file: 'flight',
    head: ['gRPC status', 'pyarrow raises', 'codes'],
    rows: entries(GRPC, (status, [name, raised]) => [name, code(raised), codesOfStatus(status).join(', ')]),
  },
  metrics: { file: 'http', head: ['metric', 'type', 'meaning'], rows: entries(METRICS, (name, row) => [code(name), row.type, row.help]) },
  commands: { file: 'cli', head: ['command', 'does'], rows: entries(COMMANDS, (_name, row) => [code(row.usage), row.summary]) },
  settings: {
    file: 'cli',
    head: ['key', 'flag', 'environment', 'default', 'scope', 'meaning'],
    rows: entries(SETTINGS, (name, row) => [
      code(name),
      code(`--${flagName(name)}`),
      code(environmentName(name)),
      code(String(row.default)),
      row.scope,
      row.doc,
    ]),
  },
};

const line = (cells: Row) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
const markdown = (head: Row, rows: readonly Row[]) => `${line(head)}|${'---|'.repeat(head.length)}\n${rows.map(line).join('')}`;

test.each(Object.entries(TABLES))('the table of %s in the docs is that of the code', (name, { file, head, rows }) => {
  const url = new URL(`../../docs/${file}.md`, import.meta.url);
  const text = readFileSync(url, 'utf8');
  const section = new RegExp(`(<!-- table: ${name} -->\n)([\\s\\S]*?)(<!-- end -->)`);
  expect(text).toMatch(section);
  const expected = markdown(head, rows);
  if (process.env.UPDATE_DOCS === '1')
    writeFileSync(
      url,
      text.replace(section, (_all, start, _old, end) => `${start}${expected}${end}`),
    );
  else expect(section.exec(text)?.[2]).toBe(expected);
});

test('every status that an error has stands in the table of Flight errors', () => {
  for (const { grpc } of Object.values(ERRORS)) expect(GRPC).toHaveProperty(String(grpc));
});

test('no table of the docs is without its code', () => {
  for (const file of ['http', 'cli', 'flight']) {
    const text = readFileSync(new URL(`../../docs/${file}.md`, import.meta.url), 'utf8');
    for (const [, name] of text.matchAll(/<!-- table: (.*?) -->/g)) expect(TABLES[name as string]?.file).toBe(file);
  }
});
