/** Sessions of Flight: options that a client sets once and that hold for all calls that bring its cookie. */
import { CATALOG } from '../../core/catalog-name.js';
import type { QueryService, QuerySession } from '../../core/contracts.js';
import { systemEnvironment } from '../../core/environment.js';
import { DbError } from '../../core/errors.js';
import type { Principal } from '../../core/principal.js';
import type { Settings } from '../../core/settings.js';
import { quoted } from '../command.js';

export type OptionValue = string | boolean | number | bigint | readonly string[];

/** As in SetSessionOptionsResult. */
const OPTION_ERROR = { invalid_name: 1, invalid_value: 2, error: 3 } as const;

export interface ClientSession {
  readonly id: string;
  readonly query: QuerySession;
  /** By name in lower case. */
  readonly options: Map<string, OptionValue>;
  lastUsedMicroseconds: number;
}

export class Sessions {
  private readonly query: QueryService;
  private readonly limits: Pick<Settings, 'flight_max_sessions' | 'flight_session_idle_ms'>;
  private readonly sessions = new Map<string, ClientSession>();

  constructor(query: QueryService, limits: Settings) {
    this.query = query;
    this.limits = limits;
  }

  /** Undefined when there is none, or no more. */
  find(id: string | null): ClientSession | undefined {
    this.closeIdle();
    const session = id === null ? undefined : this.sessions.get(id);
    if (session) session.lastUsedMicroseconds = systemEnvironment.monotonicMicroseconds();
    return session;
  }

  open(principal: Principal): ClientSession {
    this.closeIdle();
    const most = this.limits.flight_max_sessions;
    if (this.sessions.size >= most) {
      throw new DbError('overloaded', `${most} sessions are open already`, { hint: 'close some of them, or raise flight_max_sessions' });
    }
    const id = systemEnvironment.uuid();
    const lastUsedMicroseconds = systemEnvironment.monotonicMicroseconds();
    const session: ClientSession = { id, query: this.query.openSession(principal), options: new Map(), lastUsedMicroseconds };
    this.sessions.set(id, session);
    return session;
  }

  /** Sets an option, or with null goes back to its default. Gives a number of OPTION_ERROR when it cannot. */
  async set(session: ClientSession, name: string, value: OptionValue | null, principal: Principal): Promise<number | null> {
    const key = name.toLowerCase();
    const sql = statementOf(key, value);
    if (typeof sql === 'number') return sql;
    try {
      if (sql !== null) await this.query.execute({ sql, session: session.query, principal });
    } catch (error) {
      if (!(error instanceof DbError)) throw error;
      return /^no setting|is fixed/.test(error.message) || error.code === 'syntax_error'
        ? OPTION_ERROR.invalid_name
        : OPTION_ERROR.invalid_value;
    }
    if (value === null) session.options.delete(key);
    else session.options.set(key, value);
    return null;
  }

  close(session: ClientSession): void {
    this.sessions.delete(session.id);
    session.query.close();
  }

  closeAll(): void {
    for (const session of [...this.sessions.values()]) this.close(session);
  }

  private closeIdle(): void {
    const before = systemEnvironment.monotonicMicroseconds() - this.limits.flight_session_idle_ms * 1000;
    for (const session of this.sessions.values()) if (session.lastUsedMicroseconds < before) this.close(session);
  }
}

/** Statements that bring another session to the same options. */
export function setupOf(session: ClientSession): readonly string[] {
  return [...session.options].flatMap(([name, value]) => {
    const sql = statementOf(name, value);
    return typeof sql === 'string' ? [sql] : [];
  });
}

/** The statement that sets an option; null: there is nothing to do; a number: it cannot be. */
function statementOf(key: string, value: OptionValue | null): string | null | number {
  if (key === 'catalog') return value === null || String(value).toLowerCase() === CATALOG ? null : OPTION_ERROR.invalid_value;
  if (key === 'schema') return value === null ? 'RESET search_path' : `USE ${quoted(String(value))}`;
  if (!/^[a-z_][a-z0-9_]*$/.test(key)) return OPTION_ERROR.invalid_name;
  if (Array.isArray(value)) return OPTION_ERROR.invalid_value;
  return value === null ? `RESET ${key}` : `SET ${key} = '${String(value).replaceAll("'", "''")}'`;
}
