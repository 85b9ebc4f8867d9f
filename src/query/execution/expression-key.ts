/** Expressions by text. */
import type { Expression } from '../plan/expression.js';

/** Equal texts mean equal expressions; positions do not count. */
export function expressionKey(expression: Expression): string {
  return JSON.stringify(expression, (name, value: unknown) => {
    if (name === 'position') return undefined;
    return typeof value === 'bigint' ? `${value}n` : value;
  });
}
