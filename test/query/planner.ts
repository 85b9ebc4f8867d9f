/** Binds and optimizes SQL over an in-memory database, without running it. */
import { instantiateKernels } from '../../native-free/kernels.js';
import { Arena } from '../../src/core/arena.js';
import type { Parameters, Storage, TableDefinition } from '../../src/core/contracts.js';
import { systemEnvironment } from '../../src/core/environment.js';
import { MemoryScope, Scratch } from '../../src/core/memory-scope.js';
import { settingsWith } from '../../src/core/settings.js';
import type { DataType } from '../../src/core/types.js';
import { bindRoot, createBindContext } from '../../src/query/binder/binder.js';
import type { BindContext } from '../../src/query/binder/context.js';
import { pickColumns } from '../../src/query/binder/plans.js';
import { evaluateConstant } from '../../src/query/expression/evaluate.js';
import { optimize } from '../../src/query/optimizer/optimizer.js';
import type { LogicalPlan } from '../../src/query/plan/logical.js';
import { parseStatement } from '../../src/query/syntax/parser.js';
import { openStorage } from '../../src/storage/open.js';

export interface Planner {
  readonly storage: Storage;
  createTable(name: string, columns: Readonly<Record<string, DataType>>, timestamp?: string): Promise<void>;
  bind(sql: string, parameters?: Parameters): LogicalPlan;
  optimize(sql: string, parameters?: Parameters): LogicalPlan;
  close(): Promise<void>;
}

export async function createPlanner(): Promise<Planner> {
  const settings = settingsWith({ path: ':memory:', memory_limit: '64MB' });
  const arena = Arena.create(0, settings.memory_limit);
  const kernels = instantiateKernels(arena.memory);
  const storage = await openStorage({ path: ':memory:', settings, environment: systemEnvironment, arena, kernels });
  const scratch = new Scratch(new MemoryScope(arena));
  const contextOf = (sql: string, parameters: Parameters | undefined): BindContext =>
    createBindContext({
      sql,
      snapshot: storage.snapshot(),
      parameters,
      timezone: 'UTC',
      nowNanoseconds: 0n,
      evaluateConstant: (expression) => {
        const value = evaluateConstant(expression, { arena, kernels, scratch, nowNanoseconds: 0n, timezone: 'UTC' });
        scratch.reset();
        return value;
      },
    });
  const bound = (sql: string, context: BindContext): LogicalPlan => {
    const statement = parseStatement(sql);
    if (statement.kind !== 'query') throw new Error('not a query');
    const root = bindRoot(statement, context);
    return pickColumns(root.plan, root.columns);
  };
  return {
    storage,
    createTable: async (name, columns, timestamp) => {
      await storage.createTable(definition(name, columns, timestamp));
    },
    bind: (sql, parameters) => bound(sql, contextOf(sql, parameters)),
    optimize: (sql, parameters) => {
      const context = contextOf(sql, parameters);
      return optimize(bound(sql, context), { evaluateConstant: context.evaluateConstant, nextId: context.nextId });
    },
    close: () => storage.close(),
  };
}

function definition(name: string, columns: Readonly<Record<string, DataType>>, timestamp: string | undefined): TableDefinition {
  const names = Object.keys(columns);
  return {
    name,
    columns: names.map((column, id) => ({
      name: column,
      type: columns[column] as DataType,
      nullable: true,
      id,
      defaultSql: null,
      comment: null,
    })),
    timestampColumn: timestamp === undefined ? null : names.indexOf(timestamp),
    partitionBy: 'none',
    clusterBy: [],
    dedupKeys: [],
    ttl: null,
    options: {},
  };
}
