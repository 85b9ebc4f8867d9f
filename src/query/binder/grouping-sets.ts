/** GROUPING SETS, ROLLUP and CUBE written out: every element of GROUP BY stands for some sets, and GROUP BY for all their combinations. */
import { DbError } from '../../core/errors.js';
import type { Cube, Expression, GroupBy, GroupingSets, Rollup } from '../syntax/ast/query.js';

/** As many as PostgreSQL takes. */
const MAX_SETS = 4096;
const MAX_CUBE = 12;

type Indexes = readonly number[];
type Element = GroupBy['items'][number] | GroupingSets['sets'][number];

/** The sets of a GROUP BY, each as ascending indexes that `indexOf` gives; null when it has plain expressions only. */
export function groupingSetsOf(groupBy: GroupBy, indexOf: (syntax: Expression) => number): readonly Indexes[] | null {
  if (!groupBy.items.some(isSets)) {
    for (const item of groupBy.items) setsOf(item, indexOf);
    return null;
  }
  let sets: readonly Indexes[] = [[]];
  for (const item of groupBy.items) {
    const own = setsOf(item, indexOf);
    if (sets.length * own.length > MAX_SETS) throw tooMany(groupBy.position);
    sets = sets.flatMap((set) => own.map((more) => [...set, ...more]));
  }
  return sets.map((set) => [...new Set(set)].sort((a, b) => a - b));
}

function isSets(element: Element): element is Rollup | Cube | GroupingSets {
  return element.kind === 'rollup' || element.kind === 'cube' || element.kind === 'groupingSets';
}

function tooMany(position: number): DbError {
  return new DbError('invalid_grouping', `GROUP BY stands for more than ${MAX_SETS} grouping sets`, { position });
}

function setsOf(element: Element, indexOf: (syntax: Expression) => number): readonly Indexes[] {
  switch (element.kind) {
    case 'rollup': {
      const parts = element.sets.map((part) => part.map(indexOf));
      return [...parts.keys(), parts.length].reverse().map((length) => parts.slice(0, length).flat());
    }
    case 'cube': {
      const parts = element.sets.map((part) => part.map(indexOf));
      if (parts.length > MAX_CUBE) throw tooMany(element.position);
      const isIn = (bits: number, i: number) => (bits & (1 << (parts.length - 1 - i))) === 0;
      return Array.from({ length: 2 ** parts.length }, (_, bits) => parts.filter((_part, i) => isIn(bits, i)).flat());
    }
    case 'groupingSets': {
      const sets = element.sets.flatMap((each) => setsOf(each, indexOf));
      if (sets.length > MAX_SETS) throw tooMany(element.position);
      return sets;
    }
    case 'groupingSet':
    case 'row':
      return [element.items.map(indexOf)];
    default:
      return [[indexOf(element)]];
  }
}
