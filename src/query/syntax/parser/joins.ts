/** Joins: the relational ones, and ASOF, LT, SPLICE, AJ0, WINDOW, HORIZON, UNION and PLUS. */
import type { Expression } from '../ast/query.js';
import type { AsofJoin, HorizonJoin, Join, JoinCondition, JoinType, TableReference, WindowJoin } from '../ast/table.js';
import { K } from '../keywords.js';
import { T } from '../token-kind.js';
import { TableParser } from './tables.js';

type Head =
  | { readonly family: 'join'; readonly type: JoinType; readonly natural: boolean }
  | { readonly family: 'asof'; readonly variant: AsofJoin['variant']; readonly outer: AsofJoin['outer']; readonly nearest: boolean }
  | { readonly family: 'window'; readonly outer: WindowJoin['outer'] }
  | { readonly family: 'horizon' };

/** Words that begin an ASOF-like join, with or without JOIN after them. */
const ASOF_WORDS: ReadonlyMap<number, { readonly variant: AsofJoin['variant']; readonly needsJoin: boolean; readonly keeps?: true }> =
  new Map([
    [K.asof, { variant: 'asof', needsJoin: true }],
    [K.lt, { variant: 'lt', needsJoin: true }],
    [K.splice, { variant: 'splice', needsJoin: true }],
    [K.aj, { variant: 'asof', needsJoin: false, keeps: true }],
    [K.aj0, { variant: 'aj0', needsJoin: false, keeps: true }],
  ]);

/** Words directly before JOIN that need nothing else. */
const SIMPLE_TYPES: ReadonlyMap<number, JoinType> = new Map([
  [K.cross, 'cross'],
  [K.semi, 'semi'],
  [K.anti, 'anti'],
  [K.positional, 'positional'],
  [K.union, 'union'],
  [K.plus, 'plus'],
]);

const SIDES: ReadonlyMap<number, 'left' | 'right' | 'full' | 'inner'> = new Map([
  [K.left, 'left'],
  [K.right, 'right'],
  [K.full, 'full'],
  [K.inner, 'inner'],
]);

export abstract class JoinParser extends TableParser {
  protected parseTableReference(): TableReference {
    const outer = this.enter();
    const position = this.position;
    const table = this.parseJoins(this.parseTablePrimary(), position);
    this.leave(outer);
    return table;
  }

  private parseJoins(first: TableReference, position: number): TableReference {
    let left = first;
    for (;;) {
      const head = this.parseHead();
      if (head === null) return left;
      left = this.parseJoinOf(head, left, position);
      this.raise();
    }
  }

  // ---- which join ----

  /** Reads the words up to and including JOIN; null when no join begins here. */
  private parseHead(): Head | null {
    const { kind } = this;
    if (kind === K.join) {
      this.advance();
      return { family: 'join', type: 'inner', natural: false };
    }
    if (kind === K.natural) return this.parseNaturalHead();
    const side = SIDES.get(kind);
    if (side !== undefined) return this.parseSidedHead(side);
    const simple = SIMPLE_TYPES.get(kind);
    if (simple !== undefined && this.acceptBoth(kind, K.join)) return { family: 'join', type: simple, natural: false };
    if (kind === K.uj || kind === K.pj) {
      this.advance();
      this.accept(K.join);
      return { family: 'join', type: kind === K.uj ? 'union' : 'plus', natural: false };
    }
    if (this.acceptBoth(K.window, K.join)) return { family: 'window', outer: null };
    if (this.acceptBoth(K.horizon, K.join)) return { family: 'horizon' };
    return this.parseAsofHead(null);
  }

  private parseNaturalHead(): Head {
    this.advance();
    const kept = this.kind === K.semi ? 'semi' : this.kind === K.anti ? 'anti' : undefined;
    const side = kept ?? SIDES.get(this.kind);
    if (side !== undefined) {
      this.advance();
      if (!kept) this.accept(K.outer);
    }
    this.expect(K.join);
    return { family: 'join', type: side ?? 'inner', natural: true };
  }

  /** The current token is LEFT, RIGHT, FULL or INNER. */
  private parseSidedHead(side: 'left' | 'right' | 'full' | 'inner'): Head {
    this.advance();
    if (side !== 'inner') this.accept(K.outer);
    if ((side === 'left' || side === 'inner') && this.acceptBoth(K.window, K.join)) return { family: 'window', outer: side };
    const head = this.parseAsofHead(side);
    if (head !== null) return head;
    if (side === 'left' && (this.kind === K.semi || this.kind === K.anti)) {
      const type = this.kind === K.semi ? 'semi' : 'anti';
      this.advance();
      this.expect(K.join);
      return { family: 'join', type, natural: false };
    }
    this.expect(K.join);
    return { family: 'join', type: side, natural: false };
  }

  private parseAsofHead(side: AsofJoin['outer']): Head | null {
    const word = ASOF_WORDS.get(this.kind);
    if (word === undefined) return null;
    this.advance();
    let nearest = this.accept(K.nearest);
    let outer = this.parseAsofSide() ?? side;
    nearest = this.accept(K.nearest) || nearest;
    // kdb+'s aj keeps rows without a match.
    if (word.keeps) outer ??= 'left';
    const keepsLeft = outer === null || outer === 'left' || outer === 'inner';
    if (!keepsLeft && word.variant !== 'asof') throw this.unexpected('LEFT or INNER');
    if (word.needsJoin) this.expect(K.join);
    else this.accept(K.join);
    return { family: 'asof', variant: word.variant, outer, nearest };
  }

  private parseAsofSide(): AsofJoin['outer'] {
    const kept = this.kind === K.semi ? 'semi' : this.kind === K.anti ? 'anti' : undefined;
    const side = kept ?? SIDES.get(this.kind);
    if (side === undefined) return null;
    this.advance();
    if (!kept && side !== 'inner') this.accept(K.outer);
    return side;
  }

  // ---- the rest of it ----

  private parseJoinOf(head: Head, left: TableReference, position: number): TableReference {
    const right = this.parseTablePrimary();
    switch (head.family) {
      case 'join':
        return this.parseRelationalJoin(head, left, right, position);
      case 'asof':
        return this.parseAsofJoin(head, left, right, position);
      case 'window':
        return this.parseWindowJoin(head.outer, left, right, position);
      case 'horizon':
        return this.parseHorizonJoin(left, right, position);
    }
  }

  private parseRelationalJoin(head: Head & { family: 'join' }, left: TableReference, first: TableReference, position: number): Join {
    const { type, natural } = head;
    const needsCondition = !natural && type !== 'cross' && type !== 'positional' && type !== 'union' && type !== 'plus';
    let right = first;
    if (needsCondition && this.kind !== K.on && this.kind !== K.using) {
      const outer = this.enter();
      right = this.parseJoins(first, first.position);
      this.leave(outer);
    }
    let condition: JoinCondition | null = natural ? { kind: 'natural' } : null;
    if (needsCondition || type === 'plus') condition = this.parseCondition();
    if (needsCondition && condition === null) throw this.unexpected('ON or USING');
    return { kind: 'join', type, left, right, condition, alias: null, position, end: this.end };
  }

  private parseCondition(): JoinCondition | null {
    if (this.accept(K.using)) return { kind: 'using', columns: this.parseColumnNames() };
    return this.accept(K.on) ? { kind: 'on', expression: this.parseExpression() } : null;
  }

  /** As `parseCondition`; QuestDB's `ON (sym, venue)` names shared columns. */
  private parseTimeCondition(): JoinCondition | null {
    if (this.kind === K.on && this.isNameList()) {
      this.advance();
      return { kind: 'using', columns: this.parseColumnNames(), names: true };
    }
    return this.parseCondition();
  }

  /** Whether `( name, … )` follows the current token and no operator comes after it. */
  private isNameList(): boolean {
    if (this.peek() !== T.leftParenthesis) return false;
    let distance = 2;
    while (this.isNameToken(this.peek(distance)) && this.peek(distance + 1) === T.comma) distance += 2;
    if (!this.isNameToken(this.peek(distance)) || this.peek(distance + 1) !== T.rightParenthesis) return false;
    const after = this.peek(distance + 2);
    return !(
      (after >= T.dot && after < K.all) ||
      after === T.leftBracket ||
      after === K.and ||
      after === K.or ||
      after === K.is ||
      after === K.in
    );
  }

  private parseAsofJoin(head: Head & { family: 'asof' }, left: TableReference, right: TableReference, position: number): AsofJoin {
    const { variant, outer } = head;
    let nearest = head.nearest;
    let condition: JoinCondition | null = null;
    let matchCondition: Expression | null = null;
    let tolerance: Expression | null = null;
    const hadNearest = this.allowsNearest;
    this.allowsNearest = true;
    for (;;) {
      if (condition === null && (this.kind === K.on || this.kind === K.using)) condition = this.parseTimeCondition();
      else if (matchCondition === null && this.kind === K.match_condition) {
        this.advance();
        this.expect(T.leftParenthesis);
        matchCondition = this.parseExpression();
        this.expect(T.rightParenthesis);
      } else if (!nearest && this.accept(K.nearest)) nearest = true;
      else if (tolerance === null && this.accept(K.tolerance)) tolerance = this.parseQuantity();
      else break;
    }
    this.allowsNearest = hadNearest;
    return {
      kind: 'asofJoin',
      variant,
      outer,
      left,
      right,
      condition,
      matchCondition,
      nearest,
      tolerance,
      alias: null,
      position,
      end: this.end,
    };
  }

  private parseWindowJoin(outer: WindowJoin['outer'], left: TableReference, right: TableReference, position: number): WindowJoin {
    const condition = this.parseTimeCondition();
    this.expect(K.range);
    this.expect(K.between);
    const start = this.parseFrameBound();
    this.expect(K.and);
    const finish = this.parseFrameBound();
    let prevailing: WindowJoin['prevailing'] = null;
    if (this.peek() === K.prevailing && (this.kind === K.include || this.kind === K.exclude)) {
      prevailing = this.kind === K.include ? 'include' : 'exclude';
      this.advance();
      this.advance();
    }
    return { kind: 'windowJoin', outer, left, right, condition, start, finish, prevailing, alias: null, position, end: this.end };
  }

  private parseHorizonJoin(left: TableReference, right: TableReference, position: number): HorizonJoin {
    const condition = this.parseTimeCondition();
    const more: HorizonJoin['more'][number][] = [];
    while (this.acceptBoth(K.horizon, K.join)) {
      const table = this.parseTablePrimary();
      more.push({ right: table, condition: this.parseTimeCondition() });
    }
    let offsets: HorizonJoin['offsets'];
    if (this.accept(K.list)) offsets = { kind: 'list', items: this.parenthesised(() => this.parseQuantity()) };
    else {
      this.expect(K.range);
      this.expect(K.from);
      const from = this.parseQuantity();
      this.expect(K.to);
      const to = this.parseQuantity();
      this.expect(K.step);
      offsets = { kind: 'range', from, to, step: this.parseQuantity() };
    }
    return { kind: 'horizonJoin', left, right, condition, more, offsets, alias: this.parseTableAlias(), position, end: this.end };
  }
}
