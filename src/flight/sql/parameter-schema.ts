/** What clients are told of the parameters of a prepared statement. */
import { type WireField, type WireSchema, wireSchemaOf } from '../../arrow/wire-type.js';
import type { Field } from '../../core/types.js';

/**
 * `userAgent`: of the client. The JDBC driver writes milliseconds into timestamps and times of every unit, so it is told that they are in
 * milliseconds, which is all that it has; others are told the unit of what the parameter stands beside.
 */
export function parameterSchemaOf(parameters: readonly Field[], userAgent: string): WireSchema {
  const exact = wireSchemaOf({ fields: parameters }, { dictionaryId: () => null });
  return userAgent.startsWith('grpc-java') ? { ...exact, fields: exact.fields.map(inMilliseconds) } : exact;
}

function inMilliseconds(field: WireField): WireField {
  const { type } = field;
  if (type.kind === 'timestamp') return { ...field, type: { ...type, unit: 'ms' } };
  return type.kind === 'time64' ? { ...field, type: { kind: 'time32', unit: 'ms' } } : field;
}
