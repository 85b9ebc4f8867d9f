/** All aggregates of one node over some rows: shared states, updates by vector, merging, results. */
import type { Kernels } from '../../../native-free/kernels.js';
import type { Arena } from '../../core/arena.js';
import { assert } from '../../core/assert.js';
import { flatVector, type Value, type Vector } from '../../core/batch.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { type DataType, INT32, physicalOf } from '../../core/types.js';
import { GroupTable, type GroupTableResult } from '../execution/aggregate/group-table.js';
import { TextEncoder32 } from '../execution/aggregate/text-encoder.js';
import type { MoveContext } from '../expression/gather.js';
import type { AggregateRecipe, SlotKind } from './contract.js';
import { createState } from './create-state.js';
import { callOverBytes, outOfBytes } from './nested-arguments.js';
import { aggregateFunction } from './registry.js';
import { CountState, PresenceState, type State, type StateResult } from './states.js';
import { type Joint, jointsOf, type StateUse } from './update-together.js';
import { type AccumulatorInput, RowsOfState, VectorsOfUpdate } from './vectors-of-update.js';

/** One call, as plain data. */
export interface CallSpec {
  readonly function: string;
  readonly type: DataType;
  /** Indexes into the node's arguments. */
  readonly args: readonly number[];
  readonly argTypes: readonly DataType[];
  readonly constants: readonly (Value | undefined)[];
  /** Index into the node's filters; −1 = none. */
  readonly filter: number;
  readonly distinct: boolean;
  readonly position: number;
}

/** States as plain data for another thread. */
export interface AccumulatorResult {
  readonly states: readonly StateResult[];
  readonly texts: readonly (Vector | null)[];
  readonly distinct: readonly GroupTableResult[];
}

interface CallUse {
  readonly spec: CallSpec;
  readonly recipe: AggregateRecipe;
  readonly slots: readonly State[];
  readonly rows: CountState | null;
  readonly nulls: CountState | null;
  readonly presence: PresenceState | null;
  readonly distinct: GroupTable | null;
}

const NONE_DONE: ReadonlySet<StateUse> = new Set();

/** States that do not want the ids of texts. */
const WITHOUT_IDS: ReadonlySet<SlotKind> = new Set(['true_count', 'hyperloglog', 'digest']);

export class Accumulator {
  private readonly isOneGroup: boolean;
  private readonly scope: MemoryScope;
  private readonly arena: Arena;
  private readonly kernels: Kernels;
  private readonly uses = new Map<string, StateUse>();
  private readonly counts = new Map<
    string,
    { readonly state: CountState; readonly required: readonly number[]; readonly filter: number }
  >();
  private readonly presences = new Map<
    string,
    { readonly state: PresenceState; readonly required: readonly number[]; readonly filter: number }
  >();
  private readonly calls: readonly CallUse[];
  /** Result types as they were asked for: lists and structs are kept as bytes. */
  private readonly types: readonly DataType[];
  private readonly encoders = new Map<number, TextEncoder32>();
  private readonly joints: readonly Joint[];

  /** isOneGroup: rows of all updates are of one group, so distinct rows need not say of which; both sides of a merge must know it. */
  constructor(specs: readonly CallSpec[], scope: MemoryScope, kernels: Kernels, isOneGroup = false) {
    this.isOneGroup = isOneGroup;
    this.scope = scope;
    this.arena = scope.arena;
    this.kernels = kernels;
    this.calls = specs.map((spec) => this.prepare(callOverBytes(spec)));
    this.types = specs.map((spec) => spec.type);
    this.joints = jointsOf([...this.uses.values()], scope, kernels);
  }

  private prepare(spec: CallSpec): CallUse {
    const entry = aggregateFunction(spec.function);
    assert(entry, `aggregate ${spec.function}`);
    const recipe = entry.recipe(spec.argTypes);
    if (spec.distinct) {
      const types = distinctTypes(spec);
      const distinct = new GroupTable(this.isOneGroup ? types : [INT32, ...types], this.scope, this.kernels);
      return { spec, recipe, slots: [], rows: null, nulls: null, presence: null, distinct };
    }
    const required = [...new Set(recipe.required.map((index) => argAt(spec, index)))].sort((a, b) => a - b);
    const slots = recipe.slots.map((slot) => {
      const args = slot.inputs.map((index) => argAt(spec, index));
      const key = `${slot.kind}:${args}:${required}:${spec.filter}${slot.kind === 'ema' ? `:${spec.constants}` : ''}`;
      let use = this.uses.get(key);
      if (!use) {
        const types = slot.inputs.map((index) => spec.argTypes[index] ?? INT32);
        const state = createState(slot.kind, types, spec.constants, this.scope, this.kernels);
        use = { kind: slot.kind, state, args, types, required, filter: spec.filter };
        this.uses.set(key, use);
        if (!WITHOUT_IDS.has(slot.kind)) for (const [i, arg] of args.entries()) this.prepareText(arg, types[i]);
      }
      return use.state;
    });
    const base = { spec, recipe, slots, distinct: null };
    if (recipe.counts !== true) return { ...base, rows: null, nulls: null, presence: this.presenceState(required, spec.filter) };
    const nulls = required.length > 0 ? this.countState('nulls', required, spec.filter) : null;
    return { ...base, rows: this.countState('', [], spec.filter), nulls, presence: null };
  }

  private prepareText(arg: number, type: DataType | undefined): void {
    if (type && physicalOf(type) === 'bytes' && !this.encoders.has(arg)) {
      this.encoders.set(arg, new TextEncoder32(type, this.scope, this.kernels));
    }
  }

  private presenceState(required: readonly number[], filter: number): PresenceState {
    const key = `${required}:${filter}`;
    let use = this.presences.get(key);
    if (!use) {
      use = { state: new PresenceState(this.scope, this.kernels), required, filter };
      this.presences.set(key, use);
    }
    return use.state;
  }

  private countState(what: string, required: readonly number[], filter: number): CountState {
    const key = `${what}:${required}:${filter}`;
    let use = this.counts.get(key);
    if (!use) {
      use = { state: new CountState(this.scope, this.kernels), required, filter };
      this.counts.set(key, use);
    }
    return use.state;
  }

  ensure(groupCount: number, context?: MoveContext): void {
    for (const uses of [this.uses, this.counts, this.presences]) {
      for (const { state } of uses.values()) {
        // Each may have to move to larger memory.
        context?.check?.();
        state.ensure(groupCount);
      }
    }
  }

  /** Room for groups to come. */
  reserve(groupCount: number): void {
    for (const uses of [this.uses, this.counts, this.presences]) for (const { state } of uses.values()) state.reserve?.(groupCount);
  }

  /** Room for the values that states of several lanes hold: growing lane by lane would copy them over and over. */
  reserveValues(lanes: readonly AccumulatorResult[]): void {
    const before = this.counts.size + this.presences.size;
    [...this.uses.values()].forEach(({ state }, i) => {
      state.reserveValues?.(lanes.reduce((sum, lane) => sum + (lane.states[before + i]?.length ?? 0), 0));
    });
  }

  /** Adds the rows of vectors. Scratch is not reset. */
  update(input: AccumulatorInput, context: MoveContext): void {
    this.ensure(input.groupCount, context);
    const vectors = new VectorsOfUpdate(input, this.encoders, context);
    for (const { state, required, filter } of this.counts.values()) {
      if (required.length === 0) {
        state.update(new RowsOfState(input, vectors.filtered(filter), [], context));
      } else {
        const missing = vectors.missing(required, filter);
        if (missing !== 0) state.update(new RowsOfState(input, missing, [], context));
      }
    }
    for (const { state, required, filter } of this.presences.values()) {
      const mask = vectors.counted(required, filter);
      const rows = new RowsOfState(input, mask, [], context);
      if (mask === input.mask && input.sparse !== true) state.updateAll(rows);
      else state.update(rows);
    }
    const done = this.updateTogether(input, vectors);
    for (const use of this.uses.values()) {
      if (done.has(use)) continue;
      context.check?.();
      const { kind, state, args, types, required, filter } = use;
      const values = args.map((arg, i) => (kind === 'sum_product' ? vectors.factor(arg) : vectors.values(arg, types[i])));
      state.update(new RowsOfState(input, vectors.counted(required, filter), values, context));
    }
    for (const call of this.calls) if (call.distinct) this.updateDistinct(call, call.distinct, input, vectors, context);
  }

  /** The states that one pass updates with others. */
  private updateTogether(input: AccumulatorInput, vectors: VectorsOfUpdate): ReadonlySet<StateUse> {
    if (this.joints.length === 0 || input.runs || input.groups === 0) return NONE_DONE;
    const done = new Set<StateUse>();
    const { groups, n, added = null, groupCount } = input;
    const values = (arg: number, type?: DataType) => vectors.values(arg, type);
    for (const joint of this.joints) {
      const open = joint.members.filter((use) => !done.has(use));
      const [mask = 0, ...masks] = open.map((use) => vectors.counted(use.required, use.filter));
      const same = open.filter((_, i) => i === 0 || masks[i - 1] === mask);
      if (same.length < 2) continue;
      for (const use of joint.update(same, { groups, n, mask, added, groupCount, values })) done.add(use);
    }
    return done;
  }

  private settle(): void {
    for (const joint of this.joints) joint.settle?.();
  }

  private updateDistinct(call: CallUse, table: GroupTable, input: AccumulatorInput, vectors: VectorsOfUpdate, context: MoveContext): void {
    const required = call.recipe.required.map((index) => argAt(call.spec, index));
    const keys = distinctArgs(call.spec).map((index) => vectors.vector(argAt(call.spec, index)));
    if (!this.isOneGroup) keys.unshift(flatVector(INT32, input.n, this.groupsOf(input, context)));
    table.assign(keys, vectors.counted(required, call.spec.filter), input.n, context);
  }

  private groupsOf({ groups, n }: AccumulatorInput, context: MoveContext): number {
    if (groups !== 0) return groups;
    const zeros = context.scratch.allocate(Math.max(64, n * 4));
    this.kernels.fill_u32(0, n, zeros);
    return zeros;
  }

  /** The states as they are; addresses stay the scope's. */
  result(context: MoveContext, argumentCount: number): AccumulatorResult {
    this.settle();
    return {
      states: [...this.counts.values(), ...this.presences.values(), ...this.uses.values()].map(({ state }) => state.result()),
      texts: Array.from({ length: argumentCount }, (_, arg) => this.encoders.get(arg)?.values(context) ?? null),
      distinct: this.calls.flatMap((call) => (call.distinct ? [call.distinct.result(context)] : [])),
    };
  }

  /** Takes in the states of later rows. groups: group here of each of the n groups there, 0 = all are group 0. */
  merge(other: AccumulatorResult, groups: number, n: number, groupCount: number, context: MoveContext): void {
    this.ensure(groupCount, context);
    const ids = other.texts.map((texts, arg) => {
      const encoder = this.encoders.get(arg);
      if (!encoder || !texts) return 0;
      const out = context.scratch.allocate(Math.max(64, texts.length * 4));
      encoder.encode(texts, 0, context, out);
      return out;
    });
    let index = 0;
    for (const { state } of [...this.counts.values(), ...this.presences.values()]) {
      const result = other.states[index++];
      if (result) state.merge(result, { groups, n, context, ids: 0, texts: null });
    }
    for (const { state, args } of this.uses.values()) {
      context.check?.();
      const result = other.states[index++];
      const arg = args[0] ?? -1;
      const texts = this.encoders.get(arg)?.values(context) ?? null;
      if (result) state.merge(result, { groups, n, context, ids: ids[arg] ?? 0, texts });
    }
    let table = 0;
    for (const call of this.calls) {
      const result = call.distinct ? other.distinct[table++] : undefined;
      if (call.distinct && result) this.mergeDistinct(call.distinct, result, groups, context);
    }
  }

  /** Distinct keys begin with the group there, which becomes the group here. */
  private mergeDistinct(table: GroupTable, other: GroupTableResult, groups: number, context: MoveContext): void {
    const first = other.keys[0];
    if (!first || groups === 0 || this.isOneGroup) {
      table.merge(other, context);
      return;
    }
    const mapped = context.scratch.allocate(Math.max(64, first.length * 4));
    this.kernels.map_ids(first.values, groups, first.length, mapped);
    table.merge({ ...other, keys: [flatVector(INT32, first.length, mapped), ...other.keys.slice(1)] }, context);
  }

  /** The result vectors, one per call; their buffers belong to the accumulator's scope. */
  finish(groupCount: number, context: MoveContext): Vector[] {
    this.ensure(groupCount, context);
    this.settle();
    return this.calls.map((call, i) => {
      context.check?.();
      const result = call.distinct
        ? this.finishDistinct(call, call.distinct, groupCount, context)
        : this.finishCall(call, groupCount, context);
      return outOfBytes(result, this.types[i] ?? result.type, context, this.scope);
    });
  }

  private finishCall(call: CallUse, groupCount: number, context: MoveContext): Vector {
    const { spec, recipe } = call;
    let counts = call.rows?.counts ?? 0;
    if (call.nulls) {
      const present = this.scope.allocate(Math.max(64, groupCount * 8));
      this.kernels.sub_counts(counts, call.nulls.counts, groupCount, present);
      counts = present;
    }
    return recipe.finish({
      arena: this.arena,
      kernels: this.kernels,
      context,
      memory: this.scope,
      groupCount,
      type: spec.type,
      counts,
      present: call.presence?.bitmap(this.scope) ?? 0,
      slots: call.slots.map((state, i) => {
        const arg = argAt(spec, recipe.slots[i]?.inputs[0] ?? 0);
        return state.slot(this.encoders.get(arg)?.values({ ...context, scratch: context.scratch }) ?? null);
      }),
      constants: spec.constants,
      position: spec.position,
    });
  }

  /** The call over its distinct rows, as if it were not DISTINCT. */
  private finishDistinct(call: CallUse, table: GroupTable, groupCount: number, context: MoveContext): Vector {
    const rows = table.groupCount;
    const columns = table.keyVectors(context, this.scope);
    const [groups, values] = this.isOneGroup ? [undefined, columns] : [columns[0], columns.slice(1)];
    const { spec } = call;
    const kept = distinctArgs(spec);
    const args = spec.args.map((_, i) => values[kept.indexOf(i)] ?? flatVector({ kind: 'null' }, rows, 0));
    const plain: CallSpec = { ...spec, args: spec.args.map((_, i) => i), distinct: false, filter: -1 };
    const inner = new Accumulator([plain], this.scope, this.kernels);
    inner.update({ groups: groups?.values ?? 0, groupCount, mask: 0, n: rows, args, filters: [], sparse: true }, context);
    const [result] = inner.finish(groupCount, context);
    assert(result, 'one call gives one result');
    return result;
  }
}

function argAt(spec: CallSpec, index: number): number {
  return spec.args[index] ?? -1;
}

/** Arguments that are not constants: what distinct rows differ in. */
function distinctArgs(spec: CallSpec): number[] {
  return spec.args.map((_, i) => i).filter((i) => spec.constants[i] === undefined || i === 0);
}

function distinctTypes(spec: CallSpec): DataType[] {
  return distinctArgs(spec).map((i) => spec.argTypes[i] ?? INT32);
}
