/** Which inequalities of a join's condition can be looked up in sorted build rows. */
import { type DataType, physicalOf, sameType } from '../../../core/types.js';
import { fingerprint } from '../../binder/expressions.js';
import { type ColumnId, columnsOf, type Expression } from '../../plan/expression.js';

/** build OP probe, where OP is > or >= (lower bound), or < or <= (upper bound). */
interface Inequality {
  readonly build: Expression;
  readonly probe: Expression;
  readonly strict: boolean;
  readonly lower: boolean;
  readonly condition: Expression;
}

export interface RangeBound {
  readonly probe: Expression;
  readonly strict: boolean;
}

/** Build rows are sorted by `build`; a tree of maxima finds those of a span that meet the bound on another expression. */
export interface RangeLookup {
  readonly build: Expression;
  readonly low: RangeBound | null;
  readonly high: RangeBound | null;
  readonly second: { readonly build: Expression; readonly bound: RangeBound; readonly lower: boolean } | null;
  /** What is left to test per pair. */
  readonly rest: readonly Expression[];
}

const MIRRORED: Readonly<Record<string, string>> = { lt: 'gt', le: 'ge', gt: 'lt', ge: 'le' };

/** Undefined: no condition narrows the build rows. */
export function rangeLookup(
  conditions: readonly Expression[],
  probe: ReadonlySet<ColumnId>,
  build: ReadonlySet<ColumnId>,
): RangeLookup | undefined {
  const inequalities = conditions.flatMap((condition) => inequalityOf(condition, probe, build) ?? []);
  const [any] = inequalities;
  if (!any) return undefined;
  const byBuild = new Map<string, Inequality[]>();
  for (const each of inequalities) {
    const key = fingerprint(each.build);
    byBuild.set(key, [...(byBuild.get(key) ?? []), each]);
  }
  const groups = [...byBuild.values()];
  const primary = groups.find((group) => group.some((each) => each.lower) && group.some((each) => !each.lower)) ?? groups[0] ?? [];
  const low = primary.find((each) => each.lower);
  const high = primary.find((each) => !each.lower);
  const second = inequalities.find((each) => !primary.includes(each));
  const used = new Set([low, high, second].map((each) => each?.condition));
  return {
    build: (primary[0] ?? any).build,
    low: low ?? null,
    high: high ?? null,
    second: second ? { build: second.build, bound: second, lower: second.lower } : null,
    rest: conditions.filter((condition) => !used.has(condition)),
  };
}

/** How well a look-up narrows: both bounds on one expression best, then bounds on two, then one. */
export function narrowing(lookup: RangeLookup | undefined): number {
  if (!lookup) return 0;
  return lookup.low && lookup.high ? 3 : lookup.second ? 2 : 1;
}

function inequalityOf(condition: Expression, probe: ReadonlySet<ColumnId>, build: ReadonlySet<ColumnId>): Inequality | undefined {
  if (condition.kind !== 'call' || condition.args.length !== 2) return undefined;
  const mirrored = MIRRORED[condition.function];
  const [a, b] = condition.args;
  if (mirrored === undefined || !a || !b || !sameType(a.type, b.type) || !isOrderable(a.type)) return undefined;
  if (isOf(a, build) && isOf(b, probe)) return inequality(a, b, condition.function, condition);
  return isOf(b, build) && isOf(a, probe) ? inequality(b, a, mirrored, condition) : undefined;
}

function inequality(build: Expression, probe: Expression, operator: string, condition: Expression): Inequality {
  const strict = operator === 'lt' || operator === 'gt';
  return { build, probe, strict, lower: operator === 'gt' || operator === 'ge', condition };
}

/** Types whose order is that of one 64-bit key. */
function isOrderable(type: DataType): boolean {
  if (type.kind === 'decimal') return type.precision <= 18;
  const physical = physicalOf(type);
  return /^([iu](8|16|32|64)|f(32|64))$/.test(physical);
}

function isOf(expression: Expression, ids: ReadonlySet<ColumnId>): boolean {
  const read = columnsOf(expression);
  if (read.size === 0) return false;
  for (const id of read) if (!ids.has(id)) return false;
  return true;
}
