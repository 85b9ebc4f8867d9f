/** Calls of scalar functions and operators whose arguments are bound. */
import { DbError } from '../../core/errors.js';
import { typeName } from '../../core/types.js';
import { nearestAggregate } from '../aggregates/registry.js';
import { nearestFunction, scalarFunction } from '../functions/registry.js';
import type { Expression } from '../plan/expression.js';
import { argumentOf, castTo, decimalLiterals } from './coercion.js';

/** Functions that never give NULL, whatever they get. */
const NEVER_NULL = new Set(['is_distinct_from', 'is_not_distinct_from']);

/** A scalar call on bound arguments: finds the overload and puts casts around the arguments. */
export function scalarCall(name: string, given: readonly Expression[], position: number): Expression {
  const entry = scalarFunction(name);
  const isOperator = entry?.category === 'operator';
  const args = isOperator ? decimalLiterals(given) : given;
  const overload = entry?.resolve(args.map(argumentOf));
  if (!entry || !overload) throw noOverload(name, args, position);
  const converted = args.map((arg, i) => castTo(arg, overload.args[i] ?? arg.type));
  const isStrict = isOperator && entry.nulls === 'strict';
  const nullable = isStrict ? converted.some((arg) => arg.nullable) : !NEVER_NULL.has(entry.name);
  return { kind: 'call', function: entry.name, args: converted, type: overload.type, nullable, position };
}

function noOverload(name: string, args: readonly Expression[], position: number): DbError {
  const types = args.map((arg) => (arg.type.kind === 'null' ? 'NULL' : typeName(arg.type))).join(', ');
  const entry = scalarFunction(name);
  if (entry?.category === 'operator') {
    return new DbError('type_mismatch', `${entry.name.replaceAll('_', ' ')} does not take (${types})`, {
      position,
      hint: 'cast one of the sides',
    });
  }
  if (entry) return new DbError('function_not_found', `${name} does not take (${types})`, { position, hint: entry.doc });
  const nearest = nearestFunction(name) ?? nearestAggregate(name);
  return new DbError('function_not_found', `no function is called ${name}`, {
    position,
    hint: nearest === undefined ? undefined : `did you mean ${nearest}?`,
  });
}
