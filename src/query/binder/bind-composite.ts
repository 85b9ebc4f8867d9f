/** Lists, structs and lambdas in the binder: constructors, slices, fields, and calls that take a lambda. */
import { DbError } from '../../core/errors.js';
import { BOOL, INT64, typeName, UTF8 } from '../../core/types.js';
import type { Expression, LambdaExpression, LambdaParameter } from '../plan/expression.js';
import type { DataType as TypeSyntax } from '../syntax/ast/node.js';
import type {
  FunctionArgument,
  FunctionCall,
  Lambda,
  List,
  Quantified,
  Row,
  Slice,
  Struct,
  Subscript,
  Expression as Syntax,
} from '../syntax/ast/query.js';
import { castTo, coerceBool } from './coercion.js';
import type { Clause } from './context.js';
import { nullLiteral, textLiteral } from './expressions.js';

type Bind = (syntax: Syntax) => Expression;

const binding =
  (clause: Clause): Bind =>
  (syntax) =>
    clause.context.bindExpression(syntax, clause);

export function bindList(syntax: List, clause: Clause): Expression {
  return clause.context.call('list_value', syntax.items.map(binding(clause)), syntax.position);
}

export function bindStruct(syntax: Struct, clause: Clause): Expression {
  const bind = binding(clause);
  const args = syntax.fields.flatMap(({ name, value }) => [textLiteral(name.name, name.position), bind(value)]);
  return clause.context.call('struct_pack', args, syntax.position);
}

/** ROW(a, b): fields f1, f2, as in PostgreSQL. */
export function bindRow(syntax: Row, clause: Clause): Expression {
  const bind = binding(clause);
  const args = syntax.items.flatMap((item, i) => [textLiteral(`f${i + 1}`, item.position), bind(item)]);
  return clause.context.call('struct_pack', args, syntax.position);
}

/** x[i] of a list, a text or a struct; x['key'] of a text reads it as JSON. */
export function bindSubscript(syntax: Subscript, clause: Clause): Expression {
  const bind = binding(clause);
  const [operand, index] = [bind(syntax.operand), bind(syntax.index)];
  const json =
    (operand.type.kind === 'utf8' || operand.type.kind === 'symbol') && (index.type.kind === 'utf8' || index.type.kind === 'symbol');
  return clause.context.call(json ? 'json_get' : 'list_extract', [operand, index], syntax.position);
}

export function bindSlice(syntax: Slice, clause: Clause): Expression {
  const bind = binding(clause);
  const bound = (end: Syntax | null) => (end === null ? castTo(nullLiteral(syntax.position), INT64) : bind(end));
  const step = syntax.step === null ? [] : [bind(syntax.step)];
  return clause.context.call('list_slice', [bind(syntax.operand), bound(syntax.lower), bound(syntax.upper), ...step], syntax.position);
}

export function bindField(value: Expression, name: string, position: number, clause: Clause): Expression {
  if (value.type.kind !== 'struct') {
    throw new DbError('type_mismatch', `a ${typeName(value.type)} has no field ${name}`, { position });
  }
  const field = value.type.fields.find((each) => each.name.toLowerCase() === name.toLowerCase());
  if (!field) throw new DbError('column_not_found', `no field ${name} in ${typeName(value.type)}`, { position });
  return clause.context.call('struct_extract', [value, textLiteral(field.name, position)], position);
}

/** Functions whose arguments have names that become fields. */
const NAMED_FIELDS: Readonly<Record<string, number>> = { struct_pack: 0, struct_insert: 1, struct_update: 1 };

export function namesFields(name: string): boolean {
  return Object.hasOwn(NAMED_FIELDS, name);
}

/** struct_pack(a := 1) or struct_pack(a), with the arguments as names and values; undefined for calls without names. */
export function bindNamedFields(name: string, syntax: FunctionCall, clause: Clause): Expression | undefined {
  const plain = NAMED_FIELDS[name] ?? 0;
  const hasName = ({ name: given, value }: FunctionArgument) => given !== null || (plain === 0 && value.kind === 'column');
  if (!syntax.arguments.some(hasName)) return undefined;
  const bind = binding(clause);
  const fields = syntax.arguments.flatMap(({ name: written, value }, i) => {
    if (i < plain) return [bind(value)];
    const field = written ?? (value.kind === 'column' ? value.name.at(-1) : undefined) ?? null;
    if (field === null)
      throw new DbError('invalid_argument', `an argument of ${name} has no name`, {
        position: value.position,
        hint: 'write name := value',
      });
    return [textLiteral(field.name, field.position), bind(value)];
  });
  return clause.context.call(name, fields, syntax.position);
}

// ---- lambdas ----

function isLambda(argument: FunctionArgument): boolean {
  return argument.value.kind === 'lambda';
}

/** A call with a lambda: list_transform(list, x -> …); undefined for other calls. target: the scalar function of the name. */
export function bindLambdaCall(name: string, target: string | undefined, syntax: FunctionCall, clause: Clause): Expression | undefined {
  const lambda = syntax.arguments.find(isLambda)?.value;
  const takesLambda = target === 'list_transform' || target === 'list_filter' || target === 'list_reduce';
  if (lambda?.kind !== 'lambda') {
    if (!takesLambda) return undefined;
    throw new DbError('type_mismatch', `${name} takes a list, then a lambda`, {
      position: syntax.position,
      hint: 'x -> x + 1, for example',
    });
  }
  if (!takesLambda) {
    throw new DbError('function_not_found', `${name} does not take a lambda`, { position: lambda.position });
  }
  const [list, , ...more] = syntax.arguments.map((argument) =>
    argument.value === lambda ? nullLiteral() : clause.context.bindExpression(argument.value, clause),
  );
  if (syntax.arguments[1]?.value !== lambda || !list || list.type.kind !== 'list') {
    throw new DbError('type_mismatch', `${name} takes a list, then a lambda`, { position: syntax.position });
  }
  const item = { type: list.type.item.type, nullable: true };
  const place = { type: INT64, nullable: false };
  if (target === 'list_reduce') return bindReduce(name, lambda, list, more[0], clause, syntax.position);
  const bound = bindLambda(name, lambda, [item, place], 1, clause);
  const body = target === 'list_filter' ? coerceBool(castNull(bound.operand, BOOL), 'list_filter') : castNull(bound.operand, UTF8);
  return clause.context.call(target, [list, { ...bound, operand: body, type: body.type }], syntax.position);
}

function castNull(body: Expression, type: Expression['type']): Expression {
  return body.type.kind === 'null' ? castTo(body, type) : body;
}

/** The accumulated value has the initial value's type, or that of the items, and the body is brought to it. */
function bindReduce(
  name: string,
  lambda: Lambda,
  list: Expression,
  initial: Expression | undefined,
  clause: Clause,
  position: number,
): Expression {
  const item = list.type.kind === 'list' ? list.type.item.type : list.type;
  const bindAs = (type: Expression['type']) =>
    bindLambda(
      name,
      lambda,
      [
        { type, nullable: true },
        { type: item, nullable: true },
        { type: INT64, nullable: false },
      ],
      2,
      clause,
    );
  let type = initial && initial.type.kind !== 'null' ? initial.type : item;
  let bound = bindAs(type);
  // A sum of int32 is an int64 after the first step: the wider type is the accumulated one.
  if (bound.operand.type.kind !== 'null' && bound.operand.type.kind !== type.kind) {
    type = bound.operand.type;
    bound = bindAs(type);
  }
  const body = castTo(bound.operand, type);
  const call = { ...bound, operand: body, type };
  const lists = initial ? list : castTo(list, { kind: 'list', item: { name: 'item', type, nullable: true } });
  if (!initial && lists !== list) return bindReduce(name, lambda, lists, undefined, clause, position);
  return clause.context.call('list_reduce', [list, call, ...(initial ? [castTo(initial, type)] : [])], position);
}

interface ParameterType {
  readonly type: Expression['type'];
  readonly nullable: boolean;
}

function bindLambda(name: string, lambda: Lambda, types: readonly ParameterType[], least: number, clause: Clause): LambdaExpression {
  const names = lambda.parameters;
  if (names.length < least || names.length > types.length) {
    throw new DbError('invalid_argument', `the lambda of ${name} has ${least} to ${types.length} parameters`, {
      position: lambda.position,
    });
  }
  const parameters = names.map((parameter, i): LambdaParameter => {
    const { type, nullable } = types[i] ?? { type: UTF8, nullable: true };
    return { kind: 'lambda_parameter', id: clause.context.nextId(), name: parameter.name, type, nullable, position: parameter.position };
  });
  const body = clause.context.bindExpression(lambda.body, {
    ...clause,
    unnests: null,
    parameters: new Map([...(clause.parameters ?? []), ...parameters.map((each) => [each.name.toLowerCase(), each] as const)]),
  });
  return {
    kind: 'lambda',
    parameters: parameters.map((each) => each.id),
    operand: body,
    type: body.type,
    nullable: body.nullable,
    position: lambda.position,
  };
}

// ---- ANY and ALL over a list ----

/** x = ANY (list): some comparison with an item is true. */
export function overItems(
  quantifier: Quantified['quantifier'],
  list: Expression,
  position: number,
  clause: Clause,
  compare: (item: Expression) => Expression,
): Expression {
  if (list.type.kind !== 'list') {
    throw new DbError('type_mismatch', `${quantifier.toUpperCase()} takes a list or a query, not ${typeName(list.type)}`, { position });
  }
  const id = clause.context.nextId();
  const item: LambdaParameter = { kind: 'lambda_parameter', id, name: 'item', type: list.type.item.type, nullable: true, position };
  const body = compare(item);
  const lambda: LambdaExpression = { kind: 'lambda', parameters: [id], operand: body, type: body.type, nullable: true, position };
  const tests = clause.context.call('list_transform', [list, lambda], position);
  return clause.context.call(quantifier === 'any' ? 'list_any' : 'list_all', [tests], position);
}

// ---- JSON ----

/** Functions that build JSON, and those whose text is JSON, so that the first take it as it is. */
const JSON_BUILDERS: ReadonlySet<string> = new Set(['to_json', 'json_object', 'json_array']);
/** Results of aggregates are columns of these names. */
const AGGREGATED: ReadonlySet<string> = new Set(['json_group_array', 'json_group_object']);
const JSON_VALUED: ReadonlySet<string> = new Set([
  ...['to_json', 'json_object', 'json_array', 'json', 'json_checked', 'json_checked_or_null', 'json_get', 'json_get_path', 'json_extract'],
  ...['json_merge_patch', 'json_strip_nulls', 'jsonb_set', 'json_pretty', 'json_group_array', 'json_group_object'],
]);

/** The arguments of a function that builds JSON: what is JSON is marked. */
export function jsonArguments(name: string | undefined, args: readonly Expression[], clause: Clause): readonly Expression[] {
  if (name === undefined || !JSON_BUILDERS.has(name)) return args;
  return args.map((arg) => (isJson(arg) ? clause.context.call('json_embed', [arg], arg.position) : arg));
}

function isJson(expression: Expression): boolean {
  if (expression.kind === 'column') return AGGREGATED.has(expression.name) && expression.type.kind === 'utf8';
  return expression.kind === 'call' && JSON_VALUED.has(expression.function) && expression.type.kind === 'utf8';
}

/** The values of JSON aggregates as JSON text; a name stays as text. */
export function jsonAggregateArguments(name: string | undefined, args: readonly Expression[], clause: Clause): readonly Expression[] {
  if (name === 'json_group_array') return args.map((arg) => jsonTextOf(arg, clause));
  if (name !== 'json_group_object') return args;
  return args.map((arg, i) => (i === 0 ? castTo(arg, UTF8) : jsonTextOf(arg, clause)));
}

function jsonTextOf(arg: Expression, clause: Clause): Expression {
  return isJson(arg) ? arg : clause.context.call('to_json', [arg], arg.position);
}

/** CAST(x AS JSON): text must be JSON, other values become it. Undefined for other types. */
export function bindJsonCast(
  type: TypeSyntax,
  operand: Expression,
  safe: boolean,
  clause: Clause,
  position: number,
): Expression | undefined {
  if (type.kind !== 'namedType' || !['json', 'jsonb'].includes(type.name.toLowerCase())) return undefined;
  if (operand.type.kind === 'null') return undefined;
  const isText = operand.type.kind === 'utf8' || operand.type.kind === 'symbol';
  return clause.context.call(!isText ? 'to_json' : safe ? 'json_checked_or_null' : 'json_checked', [operand], position);
}
