/** Query settings that SET changes: over the server's, under those that the request itself gives. */
import { DbError } from '../core/errors.js';
import { parseSetting, type QuerySettings, SETTINGS, type SettingName, type Settings } from '../core/settings.js';
import { didYouMean } from './binder/nearest-name.js';
import { nullOrderOf } from './binder/null-order.js';
import { DEFAULT_PATH, type SearchPath } from './binder/object-name.js';
import { checkDialect } from './dialects/read-dialect.js';

const QUERY_SETTINGS = (Object.keys(SETTINGS) as SettingName[]).filter(
  (name) => SETTINGS[name].scope === 'query',
) as (keyof QuerySettings)[];

/** Internal: names of optimizer rules that are left away, separated by commas. For tests and for finding a wrong rule. */
const DISABLED_RULES = 'disabled_optimizer_rules';

export class SessionSettings {
  private readonly server: QuerySettings;
  private readonly values = new Map<keyof QuerySettings, string | number | boolean>();
  private rules: ReadonlySet<string> = NO_RULES;
  /** Where names without a schema are looked for. */
  searchPath: SearchPath = DEFAULT_PATH;

  /** `server`: what holds where nothing is SET. */
  constructor(server: QuerySettings) {
    this.server = server;
  }

  get disabledRules(): ReadonlySet<string> {
    return this.rules;
  }

  /** `value` null goes back to the server's. */
  set(name: string, value: string | number | boolean | null, position: number): void {
    if (name === DISABLED_RULES) {
      this.rules = new Set(
        String(value ?? '')
          .split(',')
          .map((rule) => rule.trim()),
      );
      return;
    }
    const known = querySetting(name, position);
    if (known === 'dialect' && value !== null) checkDialect(String(value).toLowerCase(), position);
    if (known === 'default_null_order' && value !== null) nullOrderOf(String(value), position);
    if (value === null) this.values.delete(known);
    else this.values.set(known, parseSetting(known, value));
  }

  reset(): void {
    this.values.clear();
    this.rules = NO_RULES;
    this.searchPath = DEFAULT_PATH;
  }

  /** In force, with the request's own settings on top. Fails with `invalid_argument`. */
  effective(request: Partial<QuerySettings> | undefined): QuerySettings {
    if (this.values.size === 0 && (request === undefined || Object.keys(request).length === 0)) return this.server;
    const entries = QUERY_SETTINGS.map((name) => {
      const given = request?.[name] ?? this.values.get(name);
      return [name, given === undefined ? this.server[name] : parseSetting(name, given)] as const;
    });
    return Object.fromEntries(entries) as unknown as QuerySettings;
  }
}

const NO_RULES: ReadonlySet<string> = new Set();

/** The query settings among the server's. */
export function querySettingsOf(settings: Settings): QuerySettings {
  return Object.fromEntries(QUERY_SETTINGS.map((name) => [name, settings[name]])) as unknown as QuerySettings;
}

function querySetting(name: string, position: number): keyof QuerySettings {
  const found = QUERY_SETTINGS.find((each) => each === name);
  if (found) return found;
  const server = (Object.keys(SETTINGS) as string[]).includes(name);
  throw new DbError('invalid_argument', server ? `setting ${name} is fixed when the server starts` : `no setting is called ${name}`, {
    position,
    hint: server ? `start with --${name.replaceAll('_', '-')}` : didYouMean(name, QUERY_SETTINGS),
  });
}
