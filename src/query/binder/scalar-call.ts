/** Calls of scalar functions and operators whose arguments are bound. */
import { DbError } from '../../core/errors.js';
import { typeName } from '../../core/types.js';
import { nearestAggregate } from '../aggregates/registry.js';
import { nearestFunction, resolveScalar, scalarFunction } from '../functions/registry.js';
import type { Expression } from '../plan/expression.js';
import { argumentOf, castTo, decimalLiterals } from './coercion.js';

/** Functions that never give NULL, whatever they get. */
const NEVER_NULL = new Set(['is_distinct_from', 'is_not_distinct_from']);

/** A scalar call on bound arguments: finds the overload and puts casts around the arguments. */
export function scalarCall(name: string, given: readonly Expression[], position: number): Expression {
  const args = scalarFunction(name)?.category === 'operator' ? decimalLiterals(given) : given;
  const resolved = resolveScalar(name, args.map(argumentOf));
  if (!resolved) throw noOverload(name, args, position);
  const { overload } = resolved;
  const converted = args.map((arg, i) => castTo(arg, overload.args[i] ?? arg.type));
  const strictOperator = resolved.function.nulls === 'strict' && resolved.function.category === 'operator';
  const nullable = NEVER_NULL.has(resolved.function.name) ? false : strictOperator ? converted.some((arg) => arg.nullable) : true;
  return { kind: 'call', function: resolved.function.name, args: converted, type: overload.type, nullable, position };
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
