/** The door of the binder: a context for one statement, and queries bound in it. */
import type { Value } from '../../core/batch.js';
import type { Parameters, Snapshot } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { sameType } from '../../core/types.js';
import type { ServerFacts } from '../catalog/system-table.js';
import type { FileCatalog } from '../files/statement-files.js';
import { withoutNulls } from '../functions/types.js';
import { type Expression, mapShared } from '../plan/expression.js';
import type { Query } from '../syntax/ast/query.js';
import { bindExpression } from './bind-expression.js';
import { bindTable } from './bind-from.js';
import { bindQuery } from './bind-query.js';
import { bindSubqueryRow } from './bind-subquery.js';
import { bindWindow } from './bind-window.js';
import { castTo } from './coercion.js';
import type { BindContext, BoundQuery, CommonTables } from './context.js';
import { columnOf } from './expressions.js';
import { nullOrderOf } from './null-order.js';
import { DEFAULT_PATH, type SearchPath } from './object-name.js';
import type { PivotValues } from './pivot-values.js';
import { projectPlan } from './plans.js';
import { scalarCall } from './scalar-call.js';
import { catalogFacts, systemTablePlan } from './system-tables.js';
import { inWindowOrder } from './window-order.js';

export interface BindOptions {
  readonly sql: string;
  readonly snapshot: Snapshot;
  readonly parameters: Parameters | undefined;
  readonly timezone: string;
  /** The setting default_null_order; absent: PostgreSQL's. */
  readonly nullOrder?: string;
  readonly searchPath?: SearchPath;
  readonly nowNanoseconds: bigint;
  readonly evaluateConstant: (expression: Expression) => Value;
  /** Absent: nothing is known of settings and running queries. */
  readonly server?: (() => ServerFacts) | undefined;
  /** Absent: files cannot be read here. */
  readonly files?: FileCatalog | undefined;
  /** Absent: none. */
  readonly around?: CommonTables | undefined;
  /** Absent: no query can be run for PIVOT. */
  readonly pivots?: PivotValues | undefined;
}

/** Common tables and views that are bound anew in one statement: each may read others twice. */
const MOST_USES = 10_000;

function noFiles(position: number | undefined): never {
  throw new DbError('unsupported', 'files are not read here', { position });
}

const NO_FILES: FileCatalog = {
  rowsOfAll: ([first]) => noFiles(first?.position),
  pathsOf: (_, position) => noFiles(position),
};

export function createBindContext(options: BindOptions): BindContext {
  const { sql, snapshot, parameters, timezone } = options;
  let last = 0;
  let uses = 0;
  let readVolatile = false;
  const searchPath = options.searchPath ?? DEFAULT_PATH;
  const catalog = () => {
    readVolatile = true;
    return catalogFacts(snapshot, options.server?.(), searchPath, () => context);
  };
  const context: BindContext = {
    sql,
    snapshot,
    parameters,
    timezone,
    nullOrder: nullOrderOf(options.nullOrder ?? 'postgres'),
    searchPath,
    now: () => {
      readVolatile = true;
      return options.nowNanoseconds;
    },
    evaluateConstant: (expression) => (expression.kind === 'literal' ? expression.value : options.evaluateConstant(expression)),
    catalog,
    systemTable: (table, nextId) => systemTablePlan(table, catalog(), nextId),
    files: () => {
      readVolatile = true;
      return options.files ?? NO_FILES;
    },
    hasReadVolatile: () => readVolatile,
    openViews: [],
    pivots: options.pivots ?? null,
    relations: [],
    sharedTables: new Map(),
    around: options.around ?? new Map(),
    countUse: (name, position) => {
      if (++uses > MOST_USES) {
        throw new DbError('nesting_too_deep', `${name} and what it reads are used more than ${MOST_USES} times`, {
          position,
          hint: 'WITH … AS MATERIALIZED computes it once',
        });
      }
    },
    nextId: () => ++last,
    bindQuery,
    bindExpression,
    bindTable,
    bindWindow,
    bindSubqueryRow,
    call: scalarCall,
  };
  return context;
}

/** A whole query, not inside another one, whose columns may still be NULL in every row and of no type. */
export function bindWhole(query: Query, context: BindContext): BoundQuery {
  const found = bindQuery(query, context, null, context.around);
  return found.ordered ? found : { ...found, plan: inWindowOrder(found.plan) };
}

/** A whole query whose rows a client reads: what is NULL in every row is text. */
export function bindRoot(query: Query, context: BindContext): BoundQuery {
  const bound = bindWhole(query, context);
  const nested = bound.columns.some((column) => column.type.kind !== 'null' && !sameType(column.type, withoutNulls(column.type)));
  const columns = mapShared(bound.columns, (column) => {
    const type = withoutNulls(column.type);
    return type === column.type ? column : { ...column, type };
  });
  if (!nested) return { ...bound, columns };
  // Lists of nothing but NULL become lists of text; a column of NULLs needs no change of its values.
  const casts = bound.columns.map((column, i) => {
    const type = columns[i]?.type ?? column.type;
    const value = columnOf(column);
    return { name: column.name, id: context.nextId(), expression: column.type.kind === 'null' ? value : castTo(value, type) };
  });
  const plan = projectPlan(bound.plan, casts);
  return { ...bound, plan, columns: columns.map((column, i) => ({ ...column, id: casts[i]?.id ?? column.id })) };
}
