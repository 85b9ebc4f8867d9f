/** SAMPLE BY and LATEST ON. */
import type { Expression, FillItem, LatestOn, SampleAlignment, SampleBy } from '../ast/query.js';
import { K } from '../keywords.js';
import { T } from '../token-kind.js';
import { JoinParser } from './joins.js';

const FILL_MODES: ReadonlyMap<number, FillItem['mode']> = new Map<number, FillItem['mode']>([
  [K.none, 'none'],
  [K.null, 'null'],
  [K.prev, 'prev'],
  [K.next, 'next'],
  [K.linear, 'linear'],
]);

export abstract class TimeClauseParser extends JoinParser {
  protected isSampleBy(): boolean {
    return this.kind === K.sample && this.peek() === K.by;
  }

  protected isLatestOn(): boolean {
    return this.kind === K.latest && (this.peek() === K.on || this.peek() === K.by);
  }

  /** The current token is SAMPLE. */
  protected parseSampleBy(): SampleBy {
    const position = this.position;
    this.advance();
    this.expect(K.by);
    const width = this.parseQuantity();
    const from = this.accept(K.from) ? this.parseOperand() : null;
    const to = this.accept(K.to) ? this.parseOperand() : null;
    let fill: FillItem[] = [];
    let align: SampleAlignment | null = null;
    let maxGap: Expression | null = null;
    for (;;) {
      if (fill.length === 0 && this.kind === K.fill && this.peek() === T.leftParenthesis) {
        this.advance();
        fill = this.parenthesised(() => this.parseFillItem());
      } else if (fill.length > 0 && maxGap === null && this.kind === K.max) maxGap = this.parseMaxGap();
      else if (align === null && this.kind === K.align && this.peek() === K.to) align = this.parseAlignment();
      else break;
    }
    return { width, from, to, fill, maxGap, align, position, end: this.end };
  }

  private parseFillItem(): FillItem {
    const position = this.position;
    const mode = this.isFillWord() ? (FILL_MODES.get(this.kind) ?? 'value') : 'value';
    let value: Expression | null = null;
    if (mode === 'value') value = this.parseExpression();
    else this.advance();
    const maxGap = this.kind === K.max && this.peek() === K.gap ? this.parseMaxGap() : null;
    return { mode, value, maxGap, position, end: this.end };
  }

  private isFillWord(): boolean {
    const next = this.peek();
    return next === T.comma || next === T.rightParenthesis || next === K.max;
  }

  private parseMaxGap(): Expression | null {
    if (!this.acceptBoth(K.max, K.gap)) throw this.unexpected('MAX GAP');
    return this.parseQuantity();
  }

  /** The current tokens are ALIGN TO. */
  private parseAlignment(): SampleAlignment {
    this.advance();
    this.advance();
    if (this.acceptBoth(K.first, K.observation)) return { kind: 'firstObservation' };
    if (!this.accept(K.calendar)) throw this.unexpected('CALENDAR or FIRST OBSERVATION', K.calendar);
    let timeZone: Expression | null = null;
    let offset: Expression | null = null;
    if (this.acceptBoth(K.time, K.zone)) timeZone = this.parseOperand();
    if (this.kind === K.with && this.peek() === K.offset) {
      this.advance();
      this.advance();
      offset = this.parseQuantity();
    }
    return { kind: 'calendar', timeZone, offset };
  }

  /** The current token is LATEST. */
  protected parseLatestOn(): LatestOn {
    const position = this.position;
    this.advance();
    let timestamp: Expression | null = null;
    if (this.accept(K.on)) {
      timestamp = this.parseOperand();
      this.expect(K.partition);
    }
    this.expect(K.by);
    const partitionBy = this.list(() => this.parseExpression());
    return { timestamp, partitionBy, position, end: this.end };
  }
}
