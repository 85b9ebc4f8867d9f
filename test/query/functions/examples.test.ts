import { describe, expect, test } from 'vitest';
import { SCALAR_FUNCTIONS } from '../../../src/query/functions/registry.js';
import { evaluateSql, testContext } from './sql-harness.js';

const context = testContext();

describe('the examples of every function give what its doc says', () => {
  for (const entry of Object.values(SCALAR_FUNCTIONS)) {
    test.each(entry.examples)(`${entry.name}: $sql`, ({ sql, result }) => {
      const value = evaluateSql(`(${sql})::utf8`, context);
      expect(value ?? 'NULL').toBe(result);
      context.scratch.reset();
    });
  }
});
