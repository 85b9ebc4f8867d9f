/**
 * Plans of the queries that ran last, for queries that come again: the same syntax tree (texts are parsed once, see parse-cache.ts), the same
 * commit, settings, parameters and user. A plan that has read the clock or the catalog's system tables is not kept. Plans are immutable, so
 * one may run several times at once; each run reads the tables of its own snapshot.
 */
import type { ParameterValue, Snapshot, TableSnapshot } from '../../core/contracts.js';
import { TypedValue } from '../../core/typed-value.js';
import { typeName } from '../../core/types.js';
import type { BindContext } from '../binder/context.js';
import { storedName } from '../binder/object-name.js';
import { OpenParameter } from '../binder/open-parameter.js';
import type { LogicalPlan } from '../plan/logical.js';
import { mapInputs } from '../plan/traverse.js';
import { UsedAgain } from '../recently-used.js';
import type { Query } from '../syntax/ast/query.js';
import type { StatementContext } from './statement.js';

export interface PlannedQuery {
  readonly plan: LogicalPlan;
  readonly ordered: boolean;
}

interface Entry extends PlannedQuery {
  readonly sequence: bigint;
  readonly surroundings: string;
}

/** Plans of one text, by parameters and settings. */
const MOST_PLANS = 8;

/** Of each generation, see RecentlyUsed. */
const QUERIES_USED_ONCE = 4;
const QUERIES_USED_AGAIN = 256;

/** Parameters of more values than this are not compared. */
const MOST_PARAMETERS = 32;

export class PlanCache {
  private readonly plans = new UsedAgain<Query, readonly Entry[]>(QUERIES_USED_ONCE, QUERIES_USED_AGAIN);

  /** The plan of the query, made by `make` unless it is known. */
  plan(query: Query, bind: BindContext, context: StatementContext, make: () => PlannedQuery): PlannedQuery {
    const surroundings = context.writer === context.storage ? surroundingsOf(context) : undefined;
    if (surroundings === undefined) return make();
    const { snapshot } = bind;
    const entries = this.plans.get(query) ?? [];
    const known = entries.find((entry) => entry.sequence === snapshot.sequence && entry.surroundings === surroundings);
    const current = known && overTables(known.plan, snapshot);
    if (known && current) return { plan: current, ordered: known.ordered };
    const clockReads = context.clockReads();
    const planned = make();
    if (!bind.hasReadVolatile() && context.clockReads() === clockReads) {
      const entry: Entry = { plan: planned.plan, ordered: planned.ordered, sequence: snapshot.sequence, surroundings };
      const kept = entries.filter((each) => each.sequence === entry.sequence && each.surroundings !== surroundings);
      this.plans.set(query, [entry, ...kept].slice(0, MOST_PLANS), entries.length > 0);
    }
    return planned;
  }
}

/** All besides text and data that a plan follows from; undefined when it cannot be told in few words. */
function surroundingsOf({ settings, session, principal, parameters }: StatementContext): string | undefined {
  const given = parameters === undefined ? '' : parametersText(parameters);
  if (given === undefined) return undefined;
  const rules = session.disabledRules.size === 0 ? '' : [...session.disabledRules].join();
  return `${settings.timezone}|${settings.default_null_order}|${settings.dialect}|${session.searchPath.join()}|${rules}|${principal.kind}:${principal.name}|${given}`;
}

function parametersText(parameters: NonNullable<StatementContext['parameters']>): string | undefined {
  const entries = Object.entries(parameters as Readonly<Record<string, ParameterValue>>);
  if (entries.length > MOST_PARAMETERS) return undefined;
  let text = Array.isArray(parameters) ? '[' : '{';
  for (const [name, value] of entries) {
    const plain = valueText(value);
    if (plain === undefined) return undefined;
    text += `${JSON.stringify(name)}:${plain};`;
  }
  return text;
}

/** Undefined for values that are not told in few words. */
function valueText(value: ParameterValue): string | undefined {
  if (value instanceof TypedValue) {
    const plain = value instanceof OpenParameter ? undefined : valueText(value.value);
    return plain === undefined ? undefined : `${typeName(value.type)}:${plain}`;
  }
  if (typeof value === 'object' && value !== null) return undefined;
  return `${typeof value}:${Object.is(value, -0) ? '-0' : typeof value === 'string' ? JSON.stringify(value) : String(value)}`;
}

/** The plan over the snapshot's tables; undefined when one of them has changed. */
function overTables(plan: LogicalPlan, snapshot: Snapshot): LogicalPlan | undefined {
  const sources = new Map<TableSnapshot, TableSnapshot>();
  let changed = false;
  const visit = (node: LogicalPlan): LogicalPlan => {
    if (node.kind === 'scan') {
      const source = sources.get(node.source) ?? snapshotOf(node.source, snapshot);
      if (!source) {
        changed = true;
        return node;
      }
      sources.set(node.source, source);
      // Text that has come to have too many values has no codes any more, which such a scan goes by.
      const key = node.pick?.kind === 'latest' ? node.pick.key : undefined;
      const keyColumn = node.columns.find((column) => column.id === key);
      if (keyColumn && source.codeOf?.(keyColumn.columnIndex, '') === undefined) changed = true;
      return source === node.source ? node : { ...node, source };
    }
    return mapInputs(node, visit);
  };
  const result = visit(plan);
  return changed ? undefined : result;
}

function snapshotOf(source: TableSnapshot, snapshot: Snapshot): TableSnapshot | undefined {
  const found = snapshot.table(storedName(source.table.definition));
  return found && found.table === source.table && found.rowCount === source.rowCount ? found : undefined;
}
