/** FROM: tables, common tables, derived tables, table functions and joins. */
import type { TableSnapshot } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { findSystemTable, systemTableNames } from '../catalog/registry.js';
import type { LogicalPlan } from '../plan/logical.js';
import type { Identifier } from '../syntax/ast/node.js';
import type { DerivedTable, TableName, TableReference } from '../syntax/ast/table.js';
import { bindAsof } from './bind-asof.js';
import { bindFile, bindFileName } from './bind-file.js';
import { bindHorizonJoin } from './bind-horizon-join.js';
import { bindJoin } from './bind-join.js';
import { bindPivot } from './bind-pivot.js';
import { ONE_ROW } from './bind-series.js';
import { bindTableFunction } from './bind-table-function.js';
import { bindUnpivot } from './bind-unpivot.js';
import { bindView } from './bind-view.js';
import { bindWindowJoin } from './bind-window-join.js';
import { bindCommonTable, bindRecurring } from './common-tables.js';
import type { BoundRelation, FromClause } from './context.js';
import { dependsOn, joinLateral } from './decorrelate.js';
import { designatedOf, namedTimestamp } from './designated-column.js';
import { didYouMean } from './nearest-name.js';
import { findObject, objectNames, writtenName } from './object-name.js';
import { joinPlan } from './plans.js';
import { RECURRING } from './recursive-references.js';
import { sampled } from './sample.js';
import { Scope } from './scope.js';
import { asRelation } from './table-alias.js';

export function bindFrom(references: readonly TableReference[], clause: FromClause): BoundRelation {
  const [first, ...rest] = references;
  if (!first) return { plan: ONE_ROW, columns: [], timestamp: null };
  let bound = bindTable(first, clause);
  if (rest.length === 0) return bound;
  const names = new Set<string>();
  addAliases(bound, first, names);
  for (const reference of rest) {
    const next = bindTable(reference, { ...clause, lateral: new Scope(bound.columns, clause.lateral ?? clause.outer) });
    addAliases(next, reference, names);
    const plan = dependsOn(next.plan, bound.plan)
      ? joinLateral('inner', bound.plan, next.plan, null, clause.context.nextId)
      : joinPlan('cross', bound.plan, next.plan);
    bound = { plan, columns: [...bound.columns, ...next.columns], timestamp: bound.timestamp };
  }
  return bound;
}

/** Fails when one FROM gives two tables the same alias. */
function addAliases(bound: BoundRelation, reference: TableReference, names: Set<string>): void {
  const own = new Set(bound.columns.flatMap((column) => (column.table === null ? [] : [column.table.toLowerCase()])));
  for (const name of own) {
    if (names.has(name)) {
      throw new DbError('ambiguous_column', `two tables in FROM are called ${name}`, {
        position: reference.position,
        hint: `give one of them an alias: ${name} AS ${name}2`,
      });
    }
    names.add(name);
  }
}

export function bindTable(reference: TableReference, clause: FromClause): BoundRelation {
  switch (reference.kind) {
    case 'table':
      return bindName(reference, clause);
    case 'derived':
      return bindDerived(reference, clause);
    case 'join':
      return bindJoin(reference, clause);
    case 'tableFunction':
      return bindTableFunction(reference, clause);
    case 'file':
      return bindFile(reference, clause);
    case 'asofJoin':
      return bindAsof(reference, clause);
    case 'windowJoin':
      return bindWindowJoin(reference, clause);
    case 'horizonJoin':
      return bindHorizonJoin(reference, clause);
    case 'pivot':
      return bindPivot(reference, clause);
    case 'unpivot':
      return bindUnpivot(reference, clause);
  }
}

function bindName(reference: TableName, clause: FromClause): BoundRelation {
  const last = reference.name.at(-1) as Identifier;
  const common = reference.name.length === 1 ? clause.commonTables.get(last.name.toLowerCase()) : undefined;
  if (common) {
    const { plan, columns } = bindCommonTable(common, reference.position, clause);
    const designated = designatedOf(plan, columns, reference.timestamp);
    return asRelation(sampled(plan, reference.sample, clause), columns, reference.alias, common.name, designated, reference.position);
  }
  const schema = reference.name.at(-2)?.name.toLowerCase();
  const own = schema === RECURRING ? clause.commonTables.get(last.name.toLowerCase()) : undefined;
  const all = own && bindRecurring(own, clause);
  if (own && all) {
    return asRelation(sampled(all.plan, reference.sample, clause), all.columns, reference.alias, own.name, null, reference.position);
  }
  const { snapshot, searchPath, systemTable, nextId } = clause.context;
  const stored = findObject(reference.name, snapshot, searchPath);
  const system = stored ? undefined : findSystemTable(schema, last.name.toLowerCase());
  if (system) {
    const plan = systemTable(system, nextId);
    return asRelation(sampled(plan, reference.sample, clause), plan.output, reference.alias, last.name, null, reference.position);
  }
  const file = stored ? null : bindFileName(reference, clause);
  if (file) return file;
  if (!stored) throw tableNotFound(reference, last, clause);
  if (stored.kind !== 'view') return bindStored(stored.table, reference, clause);
  const view = bindView(stored.view, reference, clause);
  return { ...view, plan: sampled(view.plan, reference.sample, clause) };
}

function bindStored(source: TableSnapshot, reference: TableName, clause: FromClause): BoundRelation {
  const { context } = clause;
  const { definition } = source.table;
  const output = definition.columns.map((column) => ({
    id: context.nextId(),
    name: column.name,
    type: column.type,
    nullable: column.nullable,
  }));
  const plan: LogicalPlan = {
    kind: 'scan',
    source,
    columnIndexes: output.map((_, i) => i),
    filters: [],
    columns: output.map((column, i) => ({ id: column.id, columnIndex: i })),
    output,
  };
  const timestamp = reference.timestamp;
  const designated = timestamp ? namedTimestamp(output, timestamp) : output[definition.timestampColumn ?? -1];
  return asRelation(
    sampled(plan, reference.sample, clause),
    output,
    reference.alias,
    definition.name,
    designated ?? null,
    reference.position,
  );
}

function tableNotFound(reference: TableName, name: Identifier, clause: FromClause): DbError {
  const tables = objectNames(clause.context.snapshot);
  const hint =
    didYouMean(name.name, [
      ...tables,
      ...clause.commonTables.keys(),
      ...systemTableNames(reference.name.at(-2)?.name.toLowerCase() ?? ''),
    ]) ?? (tables.length === 0 ? 'there are no tables yet' : undefined);
  return new DbError('table_not_found', `no table is called ${writtenName(reference.name)}`, { position: reference.position, hint });
}

/** What a subquery without LATERAL sees. */
function besideLeft({ lateral, outer }: FromClause): Scope | null {
  if (!lateral) return outer;
  const scope = new Scope([], outer);
  scope.beside = lateral;
  return scope;
}

function bindDerived(reference: DerivedTable, clause: FromClause): BoundRelation {
  const outer = reference.lateral ? (clause.lateral ?? clause.outer) : besideLeft(clause);
  const bound = clause.context.bindQuery(reference.query, clause.context, outer, clause.commonTables);
  const designated = designatedOf(bound.plan, bound.columns, reference.timestamp);
  return asRelation(
    sampled(bound.plan, reference.sample, clause),
    bound.columns,
    reference.alias,
    null,
    designated ?? null,
    reference.position,
  );
}
