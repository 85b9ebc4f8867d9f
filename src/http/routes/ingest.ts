/** POST /tables/:name/rows: a body of rows becomes one atomic append. */

import { decodeIpcStream } from '../../arrow/ipc-stream.js';
import type { AppendResult, Engine } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { MemoryScope } from '../../core/memory-scope.js';
import { StopController } from '../../core/stop-signal.js';
import type { Field } from '../../core/types.js';
import { decodeCsv } from '../../formats/decoders/csv.js';
import { decodeJson } from '../../formats/decoders/json.js';
import type { IngestTarget } from '../../formats/decoders/match-columns.js';
import type { RowSource } from '../../formats/decoders/row-decoder.js';
import { decodeParquet } from '../../formats/parquet/read-parquet.js';
import { type Handler, type HttpContext, principalOf } from '../context.js';
import { sendError } from '../error-response.js';
import { bodyBytes, restOfBody } from '../request-body.js';
import { type QueryString, readDelimiter, single, unknownName } from '../statement-input.js';

interface Decoding {
  readonly context: HttpContext;
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly target: IngestTarget;
  readonly query: QueryString;
}

interface IngestFormat {
  readonly contentTypes: readonly string[];
  readonly aliases: readonly string[];
  readonly decode: (decoding: Decoding) => Promise<RowSource>;
}

const decodeArrow = ({ context, bytes }: Decoding) => decodeIpcStream(context.engine.arena, bytes, context.settings.max_body_bytes);
const decodeObjects = ({ context, bytes, target }: Decoding) => decodeJson(context.engine.arena, bytes, target);

/** The end of a Parquet file says where its columns are, so the body is held whole. */
async function decodeParquetBody({ context, bytes }: Decoding): Promise<RowSource> {
  const { arena } = context.engine;
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  const { buffer, byteOffset, byteLength } = Buffer.concat(parts);
  const slice = (start: number, end = byteLength) => (buffer as ArrayBuffer).slice(byteOffset + start, byteOffset + end);
  return decodeParquet({ byteLength, slice }, { memory: () => new MemoryScope(arena) });
}

const decodeDelimited =
  (defaultDelimiter: string) =>
  ({ context, bytes, target, query }: Decoding): Promise<RowSource> => {
    const delimiter = readDelimiter(single(query.delimiter) ?? defaultDelimiter);
    return decodeCsv(context.engine.arena, bytes, target, { delimiter, header: flag(query, 'header', true) });
  };

export const INGEST_FORMATS = {
  csv: { contentTypes: ['text/csv'], aliases: ['csvwithnames'], decode: decodeDelimited(',') },
  tsv: { contentTypes: ['text/tab-separated-values'], aliases: ['tsvwithnames', 'tabseparatedwithnames'], decode: decodeDelimited('\t') },
  ndjson: {
    contentTypes: ['application/x-ndjson', 'application/ndjson', 'application/jsonl'],
    aliases: ['jsoneachrow', 'jsonlines', 'jsonl'],
    decode: decodeObjects,
  },
  json: { contentTypes: ['application/json'], aliases: [], decode: decodeObjects },
  arrow: {
    contentTypes: ['application/vnd.apache.arrow.stream', 'application/vnd.apache.arrow.file'],
    aliases: ['arrowstream', 'ipc', 'feather'],
    decode: decodeArrow,
  },
  parquet: {
    contentTypes: ['application/vnd.apache.parquet'],
    aliases: [],
    decode: decodeParquetBody,
  },
} as const satisfies Record<string, IngestFormat>;

export const INGEST_OPTIONS: Readonly<Record<string, string>> = {
  format: `${Object.keys(INGEST_FORMATS).join(', ')}; goes before Content-Type.`,
  create: 'true: create the table when it is absent, with types inferred from the first rows.',
  mode: 'append (default) or replace: the rows of the body take the place of all rows.',
  header: 'CSV, TSV: true (default) when the first row has the names of the columns.',
  delimiter: 'CSV: one character between cells.',
};

export const postRows: Handler = async (context, request, reply) => {
  reply.hijack();
  const response = reply.raw;
  const { metrics, engine, settings } = context;
  const started = performance.now();
  const abort = new StopController();
  response.once('close', () => {
    if (!response.writableFinished) abort.abort();
  });
  let format = 'unknown';
  let code = 'ok';
  try {
    const query = request.query as QueryString;
    for (const name of Object.keys(query)) {
      if (!Object.hasOwn(INGEST_OPTIONS, name)) throw unknownName('parameter of the query string', name, Object.keys(INGEST_OPTIONS));
    }
    const chosen = chooseFormat(single(query.format), request.headers['content-type']);
    format = chosen.name;
    const { name } = request.params as { name: string };
    const mode = readMode(query);
    const target = targetOf(engine, name, flag(query, 'create', false));
    const bytes = counted(bodyBytes(request.raw, settings.max_body_bytes), context);
    const source = await chosen.format.decode({ context, bytes, target, query });
    const options = { principal: principalOf(request), create: target.columns === undefined, mode, signal: abort };
    const result = await appendAll(engine, target, source, options);
    metrics.count('fletchdb_rows_ingested_total', result.rows);
    const body = JSON.stringify({ table: target.table, rows: result.rows, duration_us: Math.round((performance.now() - started) * 1000) });
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(body) });
    response.end(body);
  } catch (error) {
    await restOfBody(request.raw);
    code = sendError(response, error).code;
  }
  metrics.count('fletchdb_ingests_total', 1, { format, code });
};

async function* counted(bytes: AsyncIterable<Buffer>, context: HttpContext): AsyncGenerator<Buffer> {
  for await (const part of bytes) {
    context.metrics.count('fletchdb_bytes_ingested_total', part.length);
    yield part;
  }
}

/** The table's columns direct the reading; a table that is absent is created when that was asked for. */
function targetOf(engine: Engine, name: string, create: boolean): IngestTarget {
  const snapshot = engine.storage.snapshot();
  try {
    const definition = snapshot.table(name)?.table.definition;
    const columns: readonly Field[] | undefined = definition?.columns.map((column) => ({
      name: column.name,
      type: column.type,
      nullable: column.nullable,
    }));
    if (!columns && !create) {
      throw new DbError('table_not_found', `no table is called ${name}`, { hint: 'add ?create=true to create it from the rows' });
    }
    return { table: definition?.name ?? name, columns };
  } finally {
    snapshot.release();
  }
}

/** Appends every batch and commits; leaves nothing behind when anything fails, not even a table that was created for it. */
async function appendAll(
  engine: Engine,
  target: IngestTarget,
  source: RowSource,
  options: Parameters<Engine['ingest']['open']>[2],
): Promise<AppendResult> {
  const iterator = source.batches[Symbol.asyncIterator]();
  try {
    // The first rows are read before the table is touched, so that a body that is wrong from the start creates nothing.
    let next = await iterator.next();
    const session = await engine.ingest.open(target.table, source.schema, options);
    try {
      for (; next.done !== true; next = await iterator.next()) {
        try {
          options.signal?.throwIfAborted();
          await session.append(next.value, source.schema);
        } finally {
          next.value.release();
        }
      }
      return await session.commit();
    } catch (error) {
      session.abort();
      if (options.create) await dropEmpty(engine, target.table);
      throw error;
    }
  } finally {
    await iterator.return?.();
  }
}

async function dropEmpty(engine: Engine, name: string): Promise<void> {
  const snapshot = engine.storage.snapshot();
  const rows = snapshot.table(name)?.rowCount;
  snapshot.release();
  if (rows === 0) await engine.storage.dropTable(name);
}

function chooseFormat(named: string | undefined, contentType: string | undefined): { name: string; format: IngestFormat } {
  const rows = Object.entries(INGEST_FORMATS) as [string, IngestFormat][];
  if (named !== undefined) {
    const wanted = named.toLowerCase();
    const found = rows.find(([name, format]) => name === wanted || format.aliases.includes(wanted));
    if (found) return { name: found[0], format: found[1] };
    throw unknownName(
      'ingest format',
      named,
      rows.map(([name]) => name),
    );
  }
  const type = contentType?.split(';')[0]?.trim().toLowerCase();
  const found = rows.find(([, format]) => type !== undefined && format.contentTypes.includes(type));
  if (found) return { name: found[0], format: found[1] };
  throw new DbError('unsupported_media_type', type === undefined ? 'the body has no Content-Type' : `bodies of type ${type} are not read`, {
    hint: `say ?format= (${rows.map(([name]) => name).join(', ')})`,
  });
}

function readMode(query: QueryString): 'append' | 'replace' {
  const mode = single(query.mode) ?? 'append';
  if (mode === 'append' || mode === 'replace') return mode;
  throw new DbError('invalid_argument', `mode=${mode}: allowed are append and replace`);
}

function flag(query: QueryString, name: string, otherwise: boolean): boolean {
  const text = single(query[name])?.toLowerCase();
  if (text === undefined) return otherwise;
  if (['true', '1', 'yes', 'on', ''].includes(text)) return true;
  if (['false', '0', 'no', 'off'].includes(text)) return false;
  throw new DbError('invalid_argument', `${name}=${text}: allowed are true and false`);
}
