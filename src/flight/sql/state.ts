/** What a Flight server remembers between calls: open transactions, sessions, and results that were cancelled before anybody fetched them. */
import type { QueryService } from '../../core/contracts.js';
import type { Settings } from '../../core/settings.js';
import { Sessions } from './sessions.js';
import { Transactions } from './transactions.js';

const MOST_CANCELLED = 4096;

export class SqlState {
  readonly transactions: Transactions;
  readonly sessions: Sessions;
  private readonly cancelled = new Set<string>();

  constructor(query: QueryService, settings: Settings) {
    this.transactions = new Transactions(query, settings);
    this.sessions = new Sessions(query, settings);
  }

  /** The result of this query will not be fetched any more. */
  markCancelled(queryId: string): void {
    const [oldest] = this.cancelled;
    if (oldest !== undefined && this.cancelled.size >= MOST_CANCELLED) this.cancelled.delete(oldest);
    this.cancelled.add(queryId);
  }

  isCancelled(queryId: string): boolean {
    return this.cancelled.has(queryId);
  }

  async close(): Promise<void> {
    await this.transactions.close();
    this.sessions.closeAll();
  }
}
