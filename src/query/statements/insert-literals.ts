/** INSERT … VALUES whose rows are all literals: columns are built straight from the syntax tree, without an expression per value. */
import type { Value } from '../../core/batch.js';
import type { AppendSession, ColumnDefinition, TableDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { MemoryScope } from '../../core/memory-scope.js';
import { type DataType, type IntegerKind, isInteger, isText } from '../../core/types.js';
import { bindNumber } from '../binder/bind-literal.js';
import { assignmentCast } from '../binder/coercion.js';
import type { BindContext, Clause } from '../binder/context.js';
import { Scope } from '../binder/scope.js';
import { parseDecimal, valueFromText, valueToText } from '../expression/literals.js';
import type { Expression as Syntax, Values } from '../syntax/ast/query.js';
import { defaultOf } from './defaults.js';
import { unevenRows } from './insert-rows.js';
import { isWritable, LiteralColumn } from './literal-column.js';
import type { StatementContext } from './statement.js';

const BATCH_ROWS = 65_536;

/** The rows inserted, or undefined (and nothing done) when some value is not a literal or some column has a nested type. */
export async function insertLiterals(
  values: Values,
  targets: readonly ColumnDefinition[],
  definition: TableDefinition,
  open: () => AppendSession,
  context: StatementContext,
  bind: BindContext,
): Promise<number | undefined> {
  if (!values.rows.every((row) => row.every(isLiteral)) || !targets.every((column) => isWritable(column.type))) return undefined;
  const missing = definition.columns.filter((column) => !targets.includes(column));
  // A column without a default is left away: storage fills it with NULL, or refuses.
  const defaulted = missing.filter((column) => column.defaultSql !== null);
  if (!defaulted.every((column) => isWritable(column.type))) return undefined;
  for (const column of missing) defaultOf(column, bind, values.position);
  const constants = defaulted.map((column) => bind.evaluateConstant(defaultOf(column, bind, values.position)));
  const columns = [...targets, ...defaulted];
  const schema = { fields: columns.map(({ name, type }) => ({ name, type, nullable: true })) };
  const session = open();
  try {
    for (let from = 0; from < values.rows.length; from += BATCH_ROWS) {
      const scope = new MemoryScope(context.storage.arena);
      try {
        const rowCount = Math.min(BATCH_ROWS, values.rows.length - from);
        const built = buildColumns(values, from, rowCount, targets, scope, bind);
        const filled = defaulted.map((column, i) => constantColumn(column.type, constants[i] ?? null, rowCount, scope));
        const vectors = [...built, ...filled].map((column) => column.vector());
        await session.append({ arena: context.storage.arena.id, rowCount, columns: vectors }, schema);
      } finally {
        scope.release();
      }
      context.signal.throwIfAborted();
    }
    return (await session.commit()).rows;
  } catch (error) {
    session.abort();
    throw error;
  }
}

function isLiteral(syntax: Syntax): boolean {
  switch (syntax.kind) {
    case 'number':
    case 'string':
    case 'null':
    case 'boolean':
    case 'typedLiteral':
    case 'parameter':
    case 'blob':
      return true;
    case 'unary':
      return syntax.operator === '-' && syntax.operand.kind === 'number';
    default:
      return false;
  }
}

function constantColumn(type: DataType, value: Value, rowCount: number, scope: MemoryScope): LiteralColumn {
  const column = new LiteralColumn(type, rowCount, scope);
  for (let row = 0; row < rowCount; row++) column.push(value);
  return column;
}

function buildColumns(
  values: Values,
  from: number,
  rowCount: number,
  targets: readonly ColumnDefinition[],
  scope: MemoryScope,
  bind: BindContext,
): readonly LiteralColumn[] {
  const columns = targets.map((target) => new LiteralColumn(target.type, rowCount, scope));
  const clause: Clause = {
    context: bind,
    name: 'VALUES',
    scope: new Scope([], null),
    commonTables: new Map(),
    relation: null,
    aggregates: null,
  };
  for (let r = from; r < from + rowCount; r++) {
    const row = values.rows[r] ?? [];
    if (row.length !== targets.length) throw unevenRows(targets.length, row, values);
    for (let c = 0; c < targets.length; c++) {
      const target = targets[c] as ColumnDefinition;
      columns[c]?.push(literalValue(row[c] as Syntax, target, bind, clause));
    }
  }
  return columns;
}

/** The value that a literal has in the column. Common pairs are converted here; the rest goes through the casts of the binder. */
function literalValue(syntax: Syntax, column: ColumnDefinition, bind: BindContext, clause: Clause): Value {
  const { type } = column;
  switch (syntax.kind) {
    case 'null':
      return null;
    case 'string':
      return textValue(syntax.value, type, syntax.position);
    case 'number':
      return numberValue(syntax, false, column) ?? general(syntax, column, bind, clause);
    case 'unary':
      return (
        (syntax.operand.kind === 'number' ? numberValue(syntax.operand, true, column) : undefined) ?? general(syntax, column, bind, clause)
      );
    default:
      return general(syntax, column, bind, clause);
  }
}

function textValue(text: string, type: DataType, position: number): Value {
  if (isText(type)) return text;
  try {
    return valueFromText(text, type);
  } catch (error) {
    if (error instanceof DbError) throw new DbError(error.code, error.message, { position, hint: error.hint, cause: error });
    throw error;
  }
}

const SAFE_DIGITS = 15;

/** Smallest and largest value; those of 64 bits are beyond every number of SAFE_DIGITS digits. */
const INTEGER_LIMITS = {
  int8: [-128, 127],
  int16: [-32_768, 32_767],
  int32: [-2_147_483_648, 2_147_483_647],
  int64: [-Infinity, Infinity],
  uint8: [0, 255],
  uint16: [0, 65_535],
  uint32: [0, 4_294_967_295],
  uint64: [0, Infinity],
} as const satisfies Record<IntegerKind, readonly [number, number]>;

function numberValue(syntax: Extract<Syntax, { kind: 'number' }>, negative: boolean, column: ColumnDefinition): Value | undefined {
  const { type } = column;
  if (type.kind === 'float64' || type.kind === 'float32') return negative ? -Number(syntax.text) : Number(syntax.text);
  if (type.kind === 'decimal') return parseDecimal(negative ? `-${syntax.text}` : syntax.text, type.precision, type.scale);
  if (isInteger(type) && syntax.isInteger && syntax.text.length <= SAFE_DIGITS) {
    const value = negative ? -Number(syntax.text) : Number(syntax.text);
    const [low, high] = INTEGER_LIMITS[type.kind as IntegerKind];
    if (value >= low && value <= high) return Object.is(value, -0) ? 0 : value;
    throw new DbError('numeric_overflow', `${negative ? '-' : ''}${syntax.text} does not fit column ${column.name} of ${type.kind}`, {
      position: syntax.position,
    });
  }
  if (isText(type)) return valueToText(literalOf(syntax, negative).value, literalOf(syntax, negative).type);
  return undefined;
}

function literalOf(syntax: Extract<Syntax, { kind: 'number' }>, negative: boolean): { readonly value: Value; readonly type: DataType } {
  const bound = bindNumber(syntax, negative);
  return bound.kind === 'literal' ? bound : { value: null, type: bound.type };
}

function general(syntax: Syntax, column: ColumnDefinition, bind: BindContext, clause: Clause): Value {
  return bind.evaluateConstant(assignmentCast(bind.bindExpression(syntax, clause), column.type, column.name));
}
