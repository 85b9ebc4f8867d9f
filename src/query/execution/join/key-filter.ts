/** Which rows of an aggregate's input matter to a join above it: those whose keys the other side has. */
import type { Expression } from '../../plan/expression.js';
import type { JoinPlan, LogicalPlan } from '../../plan/logical.js';

export interface FilterPlace {
  /** Its rows may be left away when their keys are not among the join's. */
  readonly node: LogicalPlan;
  readonly keys: readonly Expression[];
}

/** The place furthest down below an aggregate where the keys of a join are columns; undefined when there is none. */
export function filterPlace(plan: LogicalPlan, keys: readonly Expression[]): FilterPlace | undefined {
  return keys.length > 0 && keys.every((key) => key.kind === 'column') ? descend(plan, keys, false) : undefined;
}

function descend(node: LogicalPlan, keys: readonly Expression[], grouped: boolean): FilterPlace | undefined {
  const here = grouped ? { node, keys } : undefined;
  switch (node.kind) {
    case 'filter':
      return descend(node.input, keys, grouped) ?? here;
    case 'project':
    case 'aggregate': {
      const sources = node.kind === 'project' ? node.expressions : node.groups;
      const below = keys.map((key) => sourceOf(key, node, sources));
      if (below.some((key) => key === undefined)) return here;
      return descend(node.input, below as Expression[], grouped || node.kind === 'aggregate') ?? here;
    }
    case 'join': {
      const side = SIDES[node.join].map((name) => node[name]).find((input) => keys.every((key) => gives(input, key)));
      return (side && descend(side, keys, grouped)) ?? here;
    }
    default:
      return here;
  }
}

/** Sides of which a row that is missing takes away only rows with its columns. */
const SIDES = {
  inner: ['left', 'right'],
  cross: ['left', 'right'],
  left: ['left'],
  right: ['right'],
  full: [],
  semi: ['left'],
  anti: ['left'],
} as const satisfies Record<JoinPlan['join'], readonly ('left' | 'right')[]>;

function gives(plan: LogicalPlan, key: Expression): boolean {
  return key.kind === 'column' && plan.output.some((column) => column.id === key.id);
}

function sourceOf(key: Expression, node: LogicalPlan, sources: readonly Expression[]): Expression | undefined {
  const source = key.kind === 'column' ? sources[node.output.findIndex((column) => column.id === key.id)] : undefined;
  return source?.kind === 'column' ? source : undefined;
}
