import type { BindContext } from '../binder/context.js';
import { executePlan, type PlanExecution } from '../execution/execute.js';
import { optimize } from '../optimizer/optimizer.js';
import type { LogicalPlan } from '../plan/logical.js';
import { memoryLimitOf, type PlanContext } from './statement.js';

export function optimizePlan(plan: LogicalPlan, bind: BindContext, context: PlanContext): LogicalPlan {
  const whole: LogicalPlan =
    bind.relations.length === 0 ? plan : { kind: 'with', relations: bind.relations, input: plan, output: plan.output };
  return optimize(whole, { evaluateConstant: bind.evaluateConstant, nextId: bind.nextId }, context.session.disabledRules);
}

export function runPlan(plan: LogicalPlan, context: PlanContext): PlanExecution {
  const { storage, kernels, pool, settings, signal, nowNanoseconds, environment, spill } = context;
  return executePlan(plan, {
    arena: storage.arena,
    kernels,
    pool,
    settings,
    signal,
    nowNanoseconds,
    timezone: settings.timezone,
    memoryLimitBytes: memoryLimitOf(context),
    environment,
    memory: storage,
    spill,
  });
}
