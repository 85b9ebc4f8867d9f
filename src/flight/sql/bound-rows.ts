/** Rows that are bound to the parameters of a statement: a statement runs once for each. */
import { IpcDecoder } from '../../arrow/ipc-decoder.js';
import type { Batch, Value } from '../../core/batch.js';
import type { Engine, Parameters, ParameterValue } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { TypedValue } from '../../core/typed-value.js';
import type { Field, Schema } from '../../core/types.js';
import { valueAt } from '../../core/values.js';
import { decodeMessage } from '../incoming-rows.js';
import type { FlightData } from '../messages.js';

/** All rows of the messages, as parameters. */
export function boundRows(engine: Engine, maxBytes: number, messages: readonly FlightData[], names: readonly string[]): Parameters[] {
  const decoder = new IpcDecoder(engine.arena, maxBytes);
  const rows: Parameters[] = [];
  try {
    for (const message of messages) {
      const batch = decodeMessage(decoder, message);
      if (batch === null) continue;
      try {
        for (const row of parameterRows(engine, batch, decoder.schema as Schema, names)) rows.push(row);
      } finally {
        batch.release();
      }
    }
    return rows;
  } finally {
    decoder.close();
  }
}

/** The rows of a batch as parameters. Fails with `invalid_argument` when they have too few columns. */
export function* parameterRows({ arena }: Engine, batch: Batch, schema: Schema, names: readonly string[]): Generator<Parameters> {
  const columns = columnsOf(schema, names);
  for (let row = 0; row < batch.rowCount; row++) {
    const values = columns.map((column) => {
      const vector = batch.columns[column];
      return vector === undefined ? null : parameterOf(schema.fields[column] as Field, valueAt(arena, vector, row));
    });
    yield names.some(isNamed) ? Object.fromEntries(names.map((name, i) => [name.slice(1), values[i] ?? null])) : values;
  }
}

/** The column of each parameter: the one of its name, where all have one, else the one at its place. */
function columnsOf({ fields }: Schema, names: readonly string[]): readonly number[] {
  if (fields.length < names.length) {
    throw new DbError('invalid_argument', `the statement has ${names.length} parameters, and ${fields.length} values are bound`);
  }
  const found = names.map((name) => fields.findIndex((field) => field.name === name || (isNamed(name) && field.name === name.slice(1))));
  return found.includes(-1) ? names.map((_, i) => i) : found;
}

function isNamed(name: string): boolean {
  return name.startsWith(':');
}

/** Text adapts to what it stands beside, as it does in a statement; other values keep the type that the client gave them. */
function parameterOf({ type }: Field, value: Value): ParameterValue {
  if (type.kind === 'null' || type.kind === 'list' || type.kind === 'struct') return value;
  if ((type.kind === 'utf8' || type.kind === 'symbol' || type.kind === 'int64') && value !== null) return value;
  return new TypedValue(type.kind === 'symbol' ? { kind: 'utf8' } : type, value);
}
