/** INSERT with RETURNING or ON CONFLICT as a change plan: rows whose key exists are left away, or become updates of the row that has it. */
import type { TableDefinition, TableSnapshot } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { BOOL, INT32, UUID } from '../../core/types.js';
import { coerceBool } from '../binder/coercion.js';
import { tablesAround } from '../binder/common-tables.js';
import type { BindContext, Clause } from '../binder/context.js';
import { firstRows } from '../binder/distinct-on.js';
import { caseOf, columnOf, conjunction, disjunction, isNull, literal } from '../binder/expressions.js';
import { filterPlan, joinPlan, nullSafeKeys, pickColumns } from '../binder/plans.js';
import { Relation } from '../binder/relation.js';
import { Scope, type ScopeColumn, sameName } from '../binder/scope.js';
import { keysOf } from '../constraints/enforce.js';
import type { Key } from '../constraints/key-plans.js';
import type { Expression } from '../plan/expression.js';
import type { JoinPlan, LogicalPlan, OutputColumn } from '../plan/logical.js';
import type { Insert, OnConflict } from '../syntax/ast/statement.js';
import { bindAssignments } from './assignments.js';
import { ACTION, type ChangeParts, type ChangePlan, changePlan } from './change-plan.js';
import { bindTarget } from './change-target.js';
import type { InsertSource } from './insert-source.js';
import type { StatementContext } from './statement.js';
import { existingTable } from './table-names.js';

/** Rows that are to be inserted: every column of the table, in its order. */
interface GivenRows {
  readonly plan: LogicalPlan;
  readonly columns: readonly OutputColumn[];
}

export function insertChange(statement: Insert, source: InsertSource, bind: BindContext, context: StatementContext): ChangePlan {
  const table = existingTable(statement.table, bind.snapshot, bind.searchPath);
  const { definition } = table.table;
  const rows = givenRows(source, definition);
  const { onConflict } = statement;
  if (onConflict?.action === 'update') return changePlan(updateOnConflict(statement, onConflict, rows, bind), bind, context);
  const kept = onConflict?.action === 'nothing' ? withoutConflicts(onConflict, table, rows, bind) : rows;
  const keys = onConflict?.action === 'replace' ? 'replaceAll' : 'replace';
  return changePlan(
    { ...partsOf(statement, table, bind), input: kept.plan, values: kept.columns.map((each) => columnOf(each)), keys },
    bind,
    context,
  );
}

function partsOf(statement: Insert, table: TableSnapshot, bind: BindContext): Omit<ChangeParts, 'input' | 'values' | 'keys'> {
  return {
    table,
    rowIds: [],
    action: null,
    kind: 'insert',
    returning: statement.returning,
    others: [],
    alias: statement.alias?.name ?? table.table.definition.name,
    commonTables: tablesAround(statement, bind),
    namedTwice: 'fail',
  };
}

function givenRows(source: InsertSource, definition: TableDefinition): GivenRows {
  const columns = definition.columns.map((column) => {
    const index = source.schema.fields.findIndex((field) => field.name === column.name);
    const output = source.plan.output[index];
    if (!output) throw new DbError('internal', `an INSERT without a value for ${column.name}`);
    return output;
  });
  return { plan: pickColumns(source.plan, columns), columns };
}

// ---- which key ----

/** The key that ON CONFLICT names; without a name all of the table's. */
function conflictKeys(onConflict: OnConflict, definition: TableDefinition): readonly Key[] {
  const keys = keysOf(definition);
  if (onConflict.targetWhere) {
    throw new DbError('unsupported', 'ON CONFLICT … WHERE is for partial indexes, which there are not', {
      position: onConflict.targetWhere.position,
    });
  }
  if (onConflict.constraint) {
    const { name, position } = onConflict.constraint;
    const named = keys.filter((key) => sameName(key.name, name));
    if (named.length > 0) return named;
    throw new DbError('not_found', `table ${definition.name} has no key constraint ${name}`, { position });
  }
  if (onConflict.target.length === 0) return keys;
  const indexes = onConflict.target.map((syntax) => {
    const name = syntax.kind === 'column' ? syntax.name.at(-1) : undefined;
    if (!name) throw new DbError('unsupported', 'ON CONFLICT takes columns', { position: syntax.position });
    const index = definition.columns.findIndex((column) => sameName(column.name, name.name));
    if (index < 0)
      throw new DbError('column_not_found', `table ${definition.name} has no column ${name.name}`, { position: name.position });
    return index;
  });
  const wanted = new Set(indexes);
  const named = keys.filter((key) => key.columns.length === wanted.size && key.columns.every((index) => wanted.has(index)));
  if (named.length > 0) return named.slice(0, 1);
  throw new DbError('invalid_argument', 'ON CONFLICT names no PRIMARY KEY, UNIQUE or DEDUP KEYS of the table', {
    position: onConflict.target[0]?.position,
  });
}

function keyPairs(key: Key, left: readonly OutputColumn[], right: readonly OutputColumn[]): JoinPlan['keys'] {
  const pairs = key.columns.map((index) => [columnOf(left[index] as OutputColumn), columnOf(right[index] as OutputColumn)] as const);
  return key.nullsEqual ? nullSafeKeys(pairs) : pairs.map(([a, b]) => ({ left: a, right: b }));
}

/** Most rows whose keys are written into the plan. */
const MOST_WRITTEN_KEYS = 1000;

/** Of the table's rows those that a few rows of VALUES may meet: zone maps leave the others unread. */
function amongWritten(scan: LogicalPlan, columns: readonly OutputColumn[], rows: GivenRows, key: Key): LogicalPlan {
  const source = rows.plan.kind === 'project' ? rows.plan.input : rows.plan;
  if (source.kind !== 'values' || source.rows.length > MOST_WRITTEN_KEYS) return scan;
  const conditions = key.columns.flatMap((index): Expression[] => {
    const place = source.output.findIndex((column) => column.id === rows.columns[index]?.id);
    const values = source.rows.map((row) => row[place]);
    const operand = columnOf(columns[index] as OutputColumn);
    const present = values.flatMap((value) => (value?.kind === 'literal' && value.value !== null ? [value.value] : []));
    // Equal floats may look different.
    if (operand.type.kind === 'float64' || operand.type.kind === 'float32') return [];
    // A NULL of DEDUP KEYS meets a NULL; what is no literal may be another value each time.
    if (present.length < values.length || typeof present[0] === 'object') return [];
    return [{ kind: 'in', operand, values: present, hasNull: false, negated: false, type: BOOL, nullable: operand.nullable, position: -1 }];
  });
  return filterPlan(scan, conjunction(conditions));
}

// ---- DO NOTHING ----

function withoutConflicts(onConflict: OnConflict, table: TableSnapshot, rows: GivenRows, bind: BindContext): GivenRows {
  const keys = conflictKeys(onConflict, table.table.definition);
  const fresh = keys.reduce((kept, key) => withoutExisting(kept, key, table, bind), rows);
  return keys.reduce((kept, key) => firstOfKey(kept, key, bind), fresh);
}

function withoutExisting(rows: GivenRows, key: Key, table: TableSnapshot, bind: BindContext): GivenRows {
  const output = table.table.definition.columns.map(({ name, type, nullable }) => ({ id: bind.nextId(), name, type, nullable }));
  const columns = output.map((column, i) => ({ id: column.id, columnIndex: i }));
  const scan: LogicalPlan = { kind: 'scan', source: table, columnIndexes: output.map((_, i) => i), filters: [], columns, output };
  const near = amongWritten(scan, output, rows, key);
  return { ...rows, plan: joinPlan('anti', rows.plan, near, keyPairs(key, rows.columns, output)) };
}

/** Of the given rows with one key the first. */
function firstOfKey(rows: GivenRows, key: Key, bind: BindContext): GivenRows {
  const columns = key.columns.map((index) => rows.columns[index] as OutputColumn);
  const nullable = key.nullsEqual ? [] : columns.filter((column) => column.nullable);
  const own = bind.call('gen_random_uuid', [], -1);
  // Keys with a NULL are equal to none: each of them gets a group of its own.
  const apart =
    nullable.length === 0 ? [] : [caseOf([[disjunction(nullable.map((each) => isNull(columnOf(each)))), own]], literal(null, UUID), UUID)];
  const first = firstRows(rows.plan, [...columns.map((each) => columnOf(each)), ...apart], [], bind.nextId);
  return { plan: first.plan, columns: rows.columns.map((column) => first.columns.get(column.id) ?? column) };
}

// ---- DO UPDATE ----

function updateOnConflict(statement: Insert, onConflict: OnConflict, rows: GivenRows, bind: BindContext): ChangeParts {
  const target = bindTarget(statement, bind);
  const { definition } = target.table.table;
  const [key, ...others] = conflictKeys(onConflict, definition);
  if (!key || others.length > 0) {
    throw new DbError('invalid_argument', 'ON CONFLICT DO UPDATE must say which key it is about', {
      position: onConflict.position,
      hint: key ? 'write ON CONFLICT (columns of the key) DO UPDATE' : `table ${definition.name} has no PRIMARY KEY, UNIQUE or DEDUP KEYS`,
    });
  }
  const near = amongWritten(target.scan, target.scan.output, rows, key);
  const joined = joinPlan('right', near, rows.plan, keyPairs(key, target.scan.output, rows.columns));
  const maybe = (columns: readonly ScopeColumn[]) => columns.map((column) => ({ ...column, nullable: true }));
  const excluded = rows.columns.map((column, i): ScopeColumn => {
    const { id, type, nullable } = column;
    return { id, name: definition.columns[i]?.name ?? column.name, table: 'excluded', type, nullable, unqualified: false };
  });
  const scope = new Scope([...maybe(target.columns), ...excluded], null);
  const commonTables = tablesAround(statement, bind);
  const clause = (name: string, relation: Relation): Clause => {
    return { context: bind, name, scope, commonTables, relation, aggregates: null };
  };
  const isNew = isNull(columnOf({ ...(target.rowIds[0] as OutputColumn), nullable: true }));
  const found = wanted(joined, onConflict, isNew, clause('WHERE', new Relation()));
  const relation = new Relation();
  const alias = target.columns[0]?.table ?? null;
  const assigned = bindAssignments(onConflict.assignments, definition, alias, clause('SET', relation));
  const values = definition.columns.map((column, i): Expression => {
    const old = columnOf({ ...(target.scan.output[i] as OutputColumn), nullable: true });
    return caseOf([[isNew, columnOf(rows.columns[i] as OutputColumn)]], assigned.get(i) ?? old, column.type);
  });
  const action = caseOf([[isNew, literal(ACTION.insert, INT32)]], literal(ACTION.update, INT32), INT32);
  return {
    ...partsOf(statement, target.table, bind),
    input: relation.settle(found),
    rowIds: target.rowIds,
    action,
    values,
    keys: 'refuse',
  };
}

/** New rows, and those of DO UPDATE's WHERE. */
function wanted(joined: LogicalPlan, onConflict: OnConflict, isNew: Expression, clause: Clause): LogicalPlan {
  if (onConflict.where === null) return joined;
  // EXISTS and IN must not leave away new rows, so they are values here.
  const condition = coerceBool(clause.context.bindExpression(onConflict.where, clause), 'WHERE');
  return filterPlan(clause.relation?.settle(joined) ?? joined, disjunction([isNew, condition]));
}
