/** The table of scalar functions. A function is one entry of one topic's table; look-up, docs and tests follow from it. */
import { ARITHMETIC_FUNCTIONS } from './arithmetic.js';
import { BIN_FUNCTIONS } from './bins.js';
import { BIT_VALUE_FUNCTIONS } from './bit-values.js';
import { CHECKSUM_FUNCTIONS } from './checksums.js';
import { COMPARISON_FUNCTIONS } from './comparison.js';
import { CONDITIONAL_FUNCTIONS } from './conditional.js';
import type { ArgumentType, Overload, ScalarFunction } from './contract.js';
import { DIALECT_MEANINGS } from './dialect-meanings.js';
import { FORMATTING_FUNCTIONS } from './formatting.js';
import { JSON_FUNCTIONS } from './json.js';
import { JSON_EDIT_FUNCTIONS } from './json-edit.js';
import { LIST_FUNCTIONS } from './list.js';
import { LIST_END_FUNCTIONS } from './list-ends.js';
import { LIST_LAMBDA_FUNCTIONS } from './list-lambda.js';
import { LIST_SEARCH_FUNCTIONS } from './list-search.js';
import { LIST_SHAPE_FUNCTIONS } from './list-shape.js';
import { MATH_FUNCTIONS } from './math.js';
import { MATH_VALUE_FUNCTIONS } from './math-values.js';
import { PATH_FUNCTIONS } from './paths.js';
import { PATTERN_FUNCTIONS } from './patterns.js';
import { REGULAR_FUNCTIONS } from './regular-functions.js';
import { SERIES_FUNCTIONS } from './series-list.js';
import { SUBQUERY_FUNCTIONS } from './single-row.js';
import { STRUCT_FUNCTIONS } from './struct.js';
import { SYSTEM_FUNCTIONS } from './system.js';
import { TEXT_FUNCTIONS } from './text.js';
import { TEXT_CODE_FUNCTIONS } from './text-codes.js';
import { TEXT_PART_FUNCTIONS } from './text-parts.js';
import { TIME_FUNCTIONS } from './time.js';
import { TIME_BUCKET_FUNCTIONS } from './time-buckets.js';
import { TIME_PART_FUNCTIONS } from './time-parts.js';
import { TIME_VALUE_FUNCTIONS } from './time-values.js';

const TOPICS: readonly (readonly ScalarFunction[])[] = [
  COMPARISON_FUNCTIONS,
  ARITHMETIC_FUNCTIONS,
  MATH_FUNCTIONS,
  MATH_VALUE_FUNCTIONS,
  TEXT_FUNCTIONS,
  TEXT_CODE_FUNCTIONS,
  PATTERN_FUNCTIONS,
  FORMATTING_FUNCTIONS,
  REGULAR_FUNCTIONS,
  TIME_FUNCTIONS,
  TIME_VALUE_FUNCTIONS,
  TIME_BUCKET_FUNCTIONS,
  TIME_PART_FUNCTIONS,
  CONDITIONAL_FUNCTIONS,
  SYSTEM_FUNCTIONS,
  LIST_FUNCTIONS,
  JSON_FUNCTIONS,
  LIST_SEARCH_FUNCTIONS,
  LIST_SHAPE_FUNCTIONS,
  LIST_LAMBDA_FUNCTIONS,
  STRUCT_FUNCTIONS,
  SUBQUERY_FUNCTIONS,
  SERIES_FUNCTIONS,
  DIALECT_MEANINGS,
  PATH_FUNCTIONS,
  BIT_VALUE_FUNCTIONS,
  BIN_FUNCTIONS,
  JSON_EDIT_FUNCTIONS,
  TEXT_PART_FUNCTIONS,
  CHECKSUM_FUNCTIONS,
  LIST_END_FUNCTIONS,
];

/** Every scalar function and operator by its canonical name. */
export const SCALAR_FUNCTIONS: Readonly<Record<string, ScalarFunction>> = Object.fromEntries(
  TOPICS.flat().map((entry) => [entry.name, entry] as const),
);

const BY_NAME = new Map<string, ScalarFunction>(
  TOPICS.flat().flatMap((entry) => [entry.name, ...(entry.aliases ?? [])].map((name) => [name, entry] as const)),
);

/** The function of this name or alias (lower case), whatever its arguments. */
export function scalarFunction(name: string): ScalarFunction | undefined {
  return BY_NAME.get(name) ?? BY_NAME.get(name.toLowerCase());
}

/** The function of this name or alias and the overload for these arguments; undefined when either does not exist. */
export function resolveScalar(
  name: string,
  args: readonly ArgumentType[],
): { readonly function: ScalarFunction; readonly overload: Overload } | undefined {
  const entry = scalarFunction(name);
  const overload = entry?.resolve(args);
  return entry && overload ? { function: entry, overload } : undefined;
}

/** The known name that is closest in spelling, for "did you mean"; undefined when none is close. */
export function nearestFunction(name: string): string | undefined {
  const wanted = name.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.ceil(wanted.length / 3)) + 1;
  for (const [candidate, entry] of BY_NAME) {
    if (entry.category === 'operator') continue;
    const distance = editDistance(wanted, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(change, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
