/** Types, version, identifiers, hashes. */
import type { Vector } from '../../core/batch.js';
import { systemEnvironment } from '../../core/environment.js';
import { DbError } from '../../core/errors.js';
import { physicalOf, typeName, UINT64, UTF8, UUID, WIDTH_BYTES } from '../../core/types.js';
import { castVector } from '../expression/cast.js';
import { castNumber } from '../expression/cast-number.js';
import { toFlat } from '../expression/gather.js';
import { constantVector, vectorOf } from '../expression/vector-values.js';
import type { ArgumentType, EvaluationContext, Overload, ScalarFunction } from './contract.js';
import { entriesOf } from './entry.js';
import { any, oneOf, result, room, text } from './overloads.js';
import { each } from './row-by-row.js';

const VERSION = 'FletchDB 0.1.0';

const entry = entriesOf({ category: 'system', nulls: 'custom' });

function resolveTypeof(args: readonly ArgumentType[]): Overload | undefined {
  const [arg] = args;
  if (args.length !== 1 || !arg) return undefined;
  return {
    args: [arg.type],
    type: UTF8,
    evaluate: (context, _vectors, rowCount) => constantVector(typeName(arg.type), UTF8, rowCount, context),
  };
}

const newIdentifier: Overload['evaluate'] = (context, _args, rowCount) =>
  vectorOf(
    Array.from({ length: rowCount }, () => systemEnvironment.uuid()),
    UUID,
    context,
  );

const timedIdentifier: Overload['evaluate'] = (context, _args, rowCount) =>
  vectorOf(
    Array.from({ length: rowCount }, () => {
      const time = (systemEnvironment.nowNanoseconds() / 1_000_000n).toString(16).padStart(12, '0');
      const random = systemEnvironment.uuid().replaceAll('-', '');
      return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(13, 16)}-${random.slice(16, 20)}-${random.slice(20)}`;
    }),
    UUID,
    context,
  );

/** Equal values have equal hashes: −0 is hashed as 0, all NaN alike, integers as int64. */
function hashOf(vector: Vector, rowCount: number, context: EvaluationContext): Vector {
  const { kernels } = context;
  const out = room(UINT64, rowCount, context);
  const flat = toFlat(vector, context);
  const physical = physicalOf(flat.type);
  if (physical === 'bytes') kernels.hash_bytes(flat.offsets, flat.values, rowCount, out);
  else if (physical === 'i128' || physical === 'fixed16' || physical === 'interval') kernels.hash_words(flat.values, 2, rowCount, out);
  else if (WIDTH_BYTES[physical] > 0) kernels.hash_words(sixtyFourBits(flat, rowCount, context), 1, rowCount, out);
  else {
    const texts = castVector(flat, UTF8, false, context);
    kernels.hash_bytes(texts.offsets, texts.values, rowCount, out);
  }
  return result(UINT64, rowCount, out);
}

function sixtyFourBits(vector: Vector, rowCount: number, context: EvaluationContext): number {
  const physical = physicalOf(vector.type);
  if (physical === 'i64' || physical === 'u64') return vector.values;
  if (physical !== 'f32' && physical !== 'f64') {
    const number: Vector = physical === 'i32' ? { ...vector, type: { kind: 'int32' } } : vector;
    return castNumber(number, { kind: 'int64' }, false, context).values;
  }
  const wide = castNumber({ ...vector, validity: 0 }, { kind: 'float64' }, false, context);
  const zero = context.scratch.allocate(8);
  context.arena.f64[zero / 8] = 0;
  const out = context.scratch.allocate(8 * rowCount);
  context.kernels.add_f64(wide.values, 1, zero, 0, rowCount, out, 0);
  return out;
}

const hash: Overload['evaluate'] = (context, [arg], rowCount) => hashOf(arg as Vector, rowCount, context);

export const SYSTEM_FUNCTIONS: readonly ScalarFunction[] = [
  entry(
    'typeof',
    'Name of the type of its argument.',
    [
      { sql: 'typeof(1)', result: 'int64' },
      { sql: 'typeof(1.5)', result: 'float64' },
    ],
    resolveTypeof,
    { aliases: ['pg_typeof'], infallible: true },
  ),
  entry(
    'version',
    'Name and version of the server.',
    [{ sql: "starts_with(version(), 'FletchDB')", result: 'true' }],
    oneOf({
      params: [],
      type: UTF8,
      evaluate: (context, _args, rowCount) => constantVector(VERSION, UTF8, rowCount, context),
    }),
    { infallible: true },
  ),
  entry(
    'gen_random_uuid',
    'A new random uuid (version 4) for every row.',
    [{ sql: 'length(gen_random_uuid()::utf8)', result: '36' }],
    oneOf({ params: [], type: UUID, evaluate: newIdentifier }),
    {
      aliases: ['uuid', 'uuidv4'],
      volatile: true,
    },
  ),
  entry(
    'hash',
    'A 64-bit hash of any value, the same for equal values in every run; not for cryptography.',
    [{ sql: "hash('a') = hash('a')", result: 'true' }],
    oneOf({ params: [any], type: UINT64, evaluate: hash }),
    {
      category: 'hash',
      nulls: 'strict',
    },
  ),
  entry(
    'uuidv7',
    'A new uuid (version 7) for every row: the time in milliseconds first, then random bits.',
    [{ sql: 'substring(uuidv7()::utf8, 15, 1)', result: '7' }],
    oneOf({ params: [], type: UUID, evaluate: timedIdentifier }),
    { volatile: true },
  ),
  entry(
    'error',
    'error(message): fails with the message, for conditions that must not occur.',
    [{ sql: "CASE WHEN 1 > 2 THEN error('never') ELSE 'fine' END", result: 'fine' }],
    [
      each([text], UTF8, ([message]) => {
        throw new DbError('invalid_value', String(message));
      }),
    ],
    { nulls: 'strict', volatile: true },
  ),
];
