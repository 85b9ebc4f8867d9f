/** Evaluates SQL expressions by parser, binder and evaluator alone, over an arena of the test. */
import { instantiateKernels } from '../../../native-free/kernels.js';
import { Arena } from '../../../src/core/arena.js';
import type { Value } from '../../../src/core/batch.js';
import type { Snapshot } from '../../../src/core/contracts.js';
import { MemoryScope, Scratch } from '../../../src/core/memory-scope.js';
import { bindRoot, createBindContext } from '../../../src/query/binder/binder.js';
import { DictionaryCache, evaluateConstant } from '../../../src/query/expression/evaluate.js';
import type { EvaluationContext } from '../../../src/query/functions/contract.js';
import type { Expression } from '../../../src/query/plan/expression.js';
import { parseStatement } from '../../../src/query/syntax/parser.js';

const NOW = 1_767_225_600_000_000_000n;

const emptySnapshot: Snapshot = {
  sequence: 0n,
  tables: () => [],
  table: () => undefined,
  views: () => [],
  view: () => undefined,
  schemas: () => [],
  release: () => undefined,
};

export function testContext(withCache = false): EvaluationContext {
  const arena = Arena.create(1, 256 * 1024 * 1024);
  const scope = new MemoryScope(arena);
  return {
    arena,
    kernels: instantiateKernels(arena.memory),
    scratch: new Scratch(scope),
    nowNanoseconds: NOW,
    timezone: 'UTC',
    ...(withCache ? { dictionaryCache: new DictionaryCache(scope) } : {}),
  };
}

/** The bound expression of `SELECT (sql)`. */
export function boundExpression(sql: string, context: EvaluationContext): Expression {
  const statement = parseStatement(`SELECT ${sql}`);
  if (statement.kind !== 'query') throw new Error(`a ${statement.kind} is no query`);
  const binding = createBindContext({
    sql,
    snapshot: emptySnapshot,
    parameters: undefined,
    timezone: context.timezone,
    nowNanoseconds: context.nowNanoseconds,
    evaluateConstant: (expression) => evaluateConstant(expression, context),
  });
  const { plan } = bindRoot(statement, binding);
  if (plan.kind !== 'project') throw new Error(`a ${plan.kind} is no projection`);
  const [expression] = plan.expressions;
  if (!expression) throw new Error('no expression');
  return expression;
}

export function evaluateSql(sql: string, context: EvaluationContext): Value {
  return evaluateConstant(boundExpression(sql, context), context);
}
