import type { QualifiedName } from './ast/node.js';
import type { FunctionCall } from './ast/query.js';

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/** A call without arguments. Every field is there from the start, so all calls have one shape. */
export function newCall(name: QualifiedName, position: number, end = position): Mutable<FunctionCall> {
  return {
    kind: 'function',
    name,
    arguments: [],
    star: false,
    bare: false,
    distinct: false,
    orderBy: [],
    withinGroup: [],
    filter: null,
    nullTreatment: null,
    fromLast: false,
    over: null,
    position,
    end,
  };
}
