/** Tables of a chain of inner joins as a graph: which columns are equal, how many rows a set of tables joins to, in which order that is cheapest. */
import { sameType } from '../../core/types.js';
import { type ColumnId, columnsOf, type Expression } from '../plan/expression.js';
import type { LogicalPlan } from '../plan/logical.js';
import { type Cardinality, cardinalityOf, knownDistinct, pairedDistinct, unfilteredRows } from './cardinality.js';
import { selectivityOf } from './selectivity.js';

/** Sets of inputs are bit masks. */
type Mask = number;

interface Member {
  readonly input: number;
  readonly expression: Expression;
  /** Undefined when nothing is known. */
  readonly distinct: number | undefined;
}

/** A condition that is not an equality of columns. */
interface Condition {
  readonly expression: Expression;
  readonly inputs: Mask;
  readonly selectivity: number;
  /** The inputs of both sides of an equality. */
  readonly sides: readonly [Mask, Mask] | null;
}

/** What building a hash table costs a row, where finding a partner costs 1. */
const BUILD_COST = 3;

export type JoinTree = { readonly input: number } | { readonly left: JoinTree; readonly right: JoinTree; readonly mask: Mask };

export class JoinGraph {
  private readonly inputs: readonly Cardinality[];
  private readonly inputOf = new Map<ColumnId, number>();
  /** Columns that are equal to each other, by table. */
  private readonly classes: Member[][] = [];
  private readonly conditions: Condition[] = [];
  private readonly rows = new Map<Mask, number>();

  constructor(plans: readonly LogicalPlan[], conditions: readonly Expression[]) {
    this.inputs = plans.map(cardinalityOf);
    plans.forEach((plan, i) => {
      for (const column of plan.output) this.inputOf.set(column.id, i);
    });
    for (const condition of conditions) if (!this.addEquality(condition)) this.addCondition(condition);
  }

  /** column = column of two tables joins their classes. */
  private addEquality(condition: Expression): boolean {
    if (condition.kind !== 'call' || condition.function !== 'eq') return false;
    const [a, b] = condition.args;
    if (a?.kind !== 'column' || b?.kind !== 'column' || !sameType(a.type, b.type)) return false;
    const [left, right] = [this.memberOf(a), this.memberOf(b)];
    if (!left || !right || left.input === right.input) return false;
    const mine = this.classWith(a);
    const other = this.classWith(b);
    if (mine && mine === other) return true;
    const merged = [...(mine ?? [left]), ...(other ?? [right])];
    const rest = this.classes.filter((each) => each !== mine && each !== other);
    this.classes.length = 0;
    this.classes.push(...rest, merged);
    return true;
  }

  private classWith(column: Extract<Expression, { kind: 'column' }>): Member[] | undefined {
    return this.classes.find((each) => each.some(({ expression }) => expression.kind === 'column' && expression.id === column.id));
  }

  private memberOf(expression: Extract<Expression, { kind: 'column' }>): Member | undefined {
    const input = this.inputOf.get(expression.id);
    const facts = input === undefined ? undefined : this.inputs[input];
    return input === undefined || !facts ? undefined : { input, expression, distinct: knownDistinct(expression, facts) };
  }

  private addCondition(expression: Expression): void {
    const inputs = this.maskOf(expression);
    this.conditions.push({ expression, inputs, selectivity: this.conditionShare(expression), sides: this.sidesOf(expression) });
  }

  private sidesOf(expression: Expression): readonly [Mask, Mask] | null {
    if (expression.kind !== 'call' || expression.function !== 'eq') return null;
    const [a, b] = expression.args;
    if (!a || !b || !sameType(a.type, b.type)) return null;
    const [left, right] = [this.maskOf(a), this.maskOf(b)];
    return left !== 0 && right !== 0 && (left & right) === 0 ? [left, right] : null;
  }

  private conditionShare(expression: Expression): number {
    const facts = {
      rows: Math.max(1, ...this.inputs.map((input) => input.rows)),
      distinct: new Map(this.inputs.flatMap((input) => [...input.distinct])),
      ranges: new Map(this.inputs.flatMap((input) => [...input.ranges])),
    };
    return selectivityOf([expression], facts);
  }

  private maskOf(expression: Expression): Mask {
    let mask = 0;
    for (const id of columnsOf(expression)) {
      const input = this.inputOf.get(id);
      if (input !== undefined) mask |= 1 << input;
    }
    return mask;
  }

  /** Rows of the join of these inputs. */
  rowsOf(mask: Mask): number {
    let rows = this.rows.get(mask);
    if (rows === undefined) {
      rows = this.computeRows(mask);
      this.rows.set(mask, rows);
    }
    return rows;
  }

  private computeRows(mask: Mask): number {
    const last = 31 - Math.clz32(mask);
    const own = this.inputs[last]?.rows ?? 1;
    const rest = mask & ~(1 << last);
    if (rest === 0) return own;
    let rows = this.rowsOf(rest) * own * this.equalityShare(rest, last);
    for (const condition of this.conditions) {
      if ((condition.inputs & ~mask) === 0 && (condition.inputs & (1 << last)) !== 0 && condition.inputs !== 1 << last)
        rows *= condition.selectivity;
    }
    return rows;
  }

  /** Share of the pairs of rows of `rest` and of one more input that their equal columns leave. */
  private equalityShare(rest: Mask, input: number): number {
    let pairs = 1;
    let count = 0;
    let partners = 0;
    for (const members of this.classes) {
      const own = members.find((member) => member.input === input);
      const others = members.filter((member) => (rest & (1 << member.input)) !== 0);
      if (!own || others.length === 0) continue;
      const known = others.flatMap((member) => member.distinct ?? []);
      const least = known.length === 0 ? undefined : Math.min(...known);
      const rows = Math.min(...others.map((member) => this.unfilteredOf(member.input)));
      pairs *= pairedDistinct(own.distinct, least, this.unfilteredOf(input), rows);
      partners |= 1 << (others[0]?.input ?? 0);
      count += 1;
    }
    if (count < 2 || (partners & (partners - 1)) !== 0) return 1 / pairs;
    // Several columns that join two tables are a key of one of them more often than independent.
    const partner = this.inputs[31 - Math.clz32(partners)]?.rows ?? 1;
    return 1 / Math.min(pairs, Math.max(1, partner, this.inputs[input]?.rows ?? 1));
  }

  private unfilteredOf(input: number): number {
    const facts = this.inputs[input];
    return facts ? unfilteredRows(facts) : 1;
  }

  connects(a: Mask, b: Mask): boolean {
    for (const members of this.classes) {
      let [inA, inB] = [false, false];
      for (const { input } of members) {
        if (a & (1 << input)) inA = true;
        if (b & (1 << input)) inB = true;
      }
      if (inA && inB) return true;
    }
    return this.conditions.some(({ sides }) => sides !== null && separates(sides, a, b));
  }

  /** What must be tested when two sets of inputs are joined: one equality of each class, and conditions that have their columns now. */
  conditionsBetween(a: Mask, b: Mask): Expression[] {
    const found: Expression[] = [];
    for (const members of this.classes) {
      const left = members.find((member) => a & (1 << member.input));
      const right = members.find((member) => b & (1 << member.input));
      if (left && right) found.push(equality(left.expression, right.expression));
    }
    for (const { expression, inputs } of this.conditions) {
      if ((inputs & ~(a | b)) === 0 && (inputs & ~a) !== 0 && (inputs & ~b) !== 0) found.push(expression);
    }
    return found;
  }

  /** Equalities inside one input, which no join tests, and conditions on one input only or on none. */
  conditionsInside(input: number): Expression[] {
    const found: Expression[] = [];
    for (const members of this.classes) {
      const own = members.filter((member) => member.input === input);
      for (const other of own.slice(1)) found.push(equality((own[0] as Member).expression, other.expression));
    }
    for (const { expression, inputs } of this.conditions) {
      if (inputs === 1 << input || (inputs === 0 && input === 0)) found.push(expression);
    }
    return found;
  }

  /** The cheapest tree by the sizes of hash tables, probes and results; pairs that nothing connects come last. */
  cheapestTree(): JoinTree {
    const count = this.inputs.length;
    const all = 2 ** count - 1;
    const costs = new Float64Array(all + 1).fill(Number.POSITIVE_INFINITY);
    const splits = new Int32Array(all + 1);
    for (let i = 0; i < count; i++) costs[1 << i] = 0;
    for (let mask = 3; mask <= all; mask++) {
      if ((mask & (mask - 1)) === 0) continue;
      this.bestSplit(mask, costs, splits, true);
      if (costs[mask] === Number.POSITIVE_INFINITY && mask === all) this.fillUnconnected(costs, splits, all);
    }
    return this.treeOf(all, splits);
  }

  private fillUnconnected(costs: Float64Array, splits: Int32Array, all: Mask): void {
    for (let mask = 3; mask <= all; mask++) {
      if (costs[mask] === Number.POSITIVE_INFINITY) this.bestSplit(mask, costs, splits, false);
    }
  }

  private bestSplit(mask: Mask, costs: Float64Array, splits: Int32Array, connected: boolean): void {
    for (let part = (mask - 1) & mask; part > 0; part = (part - 1) & mask) {
      const rest = mask & ~part;
      if (part < rest) break;
      const below = (costs[part] as number) + (costs[rest] as number);
      if (!(below < (costs[mask] as number)) || (connected && !this.connects(part, rest))) continue;
      const [a, b] = [this.rowsOf(part), this.rowsOf(rest)];
      const cost = below + this.rowsOf(mask) + BUILD_COST * Math.min(a, b) + Math.max(a, b);
      if (cost < (costs[mask] as number)) {
        costs[mask] = cost;
        splits[mask] = part;
      }
    }
  }

  private treeOf(mask: Mask, splits: Int32Array): JoinTree {
    if ((mask & (mask - 1)) === 0) return { input: 31 - Math.clz32(mask) };
    const part = splits[mask] as number;
    const rest = mask & ~part;
    const larger = this.rowsOf(part) >= this.rowsOf(rest);
    return { left: this.treeOf(larger ? part : rest, splits), right: this.treeOf(larger ? rest : part, splits), mask };
  }
}

function separates(sides: readonly [Mask, Mask], a: Mask, b: Mask): boolean {
  const [left, right] = sides;
  return ((left & ~a) === 0 && (right & ~b) === 0) || ((left & ~b) === 0 && (right & ~a) === 0);
}

function equality(left: Expression, right: Expression): Expression {
  return {
    kind: 'call',
    function: 'eq',
    args: [left, right],
    type: { kind: 'bool' },
    nullable: left.nullable || right.nullable,
    position: left.position,
  };
}
