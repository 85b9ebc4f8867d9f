/** The words that the grammar knows. Reserved ones are never a column, table or implicit alias; all others are ordinary names elsewhere. */

/** Token kinds below this are punctuation, operators and literals; see lexer.ts. */
export const FIRST_KEYWORD = 128;

const RESERVED_WORDS = [
  ...['all', 'and', 'any', 'array', 'as', 'asc', 'between', 'both', 'case', 'cast', 'check', 'collate', 'constraint', 'create', 'cross'],
  ...['current_catalog', 'current_date', 'current_role', 'current_schema', 'current_time', 'current_timestamp', 'current_user'],
  ...['default', 'desc', 'distinct', 'else', 'end', 'except', 'exists', 'false', 'fetch', 'for', 'foreign', 'from', 'full', 'group'],
  ...['having', 'ilike', 'in', 'inner', 'intersect', 'into', 'is', 'isnull', 'join', 'lateral', 'leading', 'left', 'like', 'limit'],
  ...['localtime', 'localtimestamp', 'natural', 'not', 'notnull', 'null', 'offset', 'on', 'or', 'order', 'outer', 'placing', 'primary'],
  ...['qualify', 'references', 'returning', 'right', 'select', 'session_user', 'similar', 'some', 'symmetric', 'table', 'tablesample'],
  ...['then', 'to', 'trailing', 'true', 'try_cast', 'union', 'unique', 'using', 'when', 'where', 'window', 'with'],
] as const;

const PLAIN_WORDS = [
  ...['abort', 'add', 'aj', 'aj0', 'align', 'alter', 'always', 'analyze', 'anti', 'asof', 'asymmetric', 'at', 'begin', 'by', 'bypass'],
  ...['cache', 'calendar', 'cancel', 'capacity', 'cascade', 'cluster', 'column', 'columns', 'comment', 'commit', 'concurrently'],
  ...['conflict', 'copy', 'cube', 'current', 'data', 'database', 'databases', 'day', 'deallocate', 'dedup', 'deferrable', 'delete'],
  ...['describe', 'disable', 'do', 'drop', 'enable', 'escape', 'exclude', 'execute', 'explain', 'extract', 'fill'],
  ...['filter', 'first', 'following', 'format', 'functions', 'gap', 'generated', 'glob', 'global', 'grouping', 'groups', 'horizon'],
  ...['identity', 'if', 'ignore', 'include', 'index', 'indexes', 'insert', 'interval', 'isolation', 'key', 'keys', 'kill', 'lambda'],
  ...['last', 'latest', 'level', 'linear', 'list', 'local', 'lt', 'map', 'match_condition', 'matched', 'materialized', 'max', 'merge'],
  ...['name', 'nearest', 'next', 'no', 'nocache', 'none', 'nothing', 'nulls', 'observation', 'only', 'operator', 'ordinality', 'others'],
  ...['over', 'overlaps', 'overlay', 'param', 'partition', 'partitions', 'percent', 'pivot', 'pj', 'plus', 'position', 'positional'],
  ...['preceding', 'prepare', 'prev', 'prevailing', 'queries', 'query', 'range', 'recursive', 'release', 'rename', 'repeatable'],
  ...['replace', 'reset', 'respect', 'restrict', 'rollback', 'rollup', 'row', 'rows', 'sample', 'savepoint', 'schema', 'schemas'],
  ...['segments', 'semi', 'session', 'set', 'sets', 'settings', 'show', 'source', 'splice', 'start', 'stdin', 'stdout', 'step', 'stored'],
  ...['substring', 'summarize', 'tables', 'target', 'temp', 'temporary', 'ties', 'time', 'timestamp', 'tolerance', 'transaction'],
  ...['trim', 'truncate', 'ttl', 'type', 'uj', 'unbounded', 'unknown', 'unpivot', 'update', 'upsert', 'use', 'value', 'values'],
  ...['verbose', 'view', 'views', 'wal', 'without', 'within', 'work', 'zone'],
] as const;

export type Keyword = (typeof RESERVED_WORDS)[number] | (typeof PLAIN_WORDS)[number];

const WORDS: readonly Keyword[] = [...RESERVED_WORDS, ...PLAIN_WORDS];

/** Keyword → token kind. */
export const K = Object.fromEntries(WORDS.map((word, index) => [word, FIRST_KEYWORD + index])) as Readonly<Record<Keyword, number>>;

const FIRST_PLAIN_KEYWORD = FIRST_KEYWORD + RESERVED_WORDS.length;

export function isReserved(kind: number): boolean {
  return kind >= FIRST_KEYWORD && kind < FIRST_PLAIN_KEYWORD;
}

export function keywordText(kind: number): string | undefined {
  return WORDS[kind - FIRST_KEYWORD];
}

export function keywordOf(word: string): number | undefined {
  return BY_WORD.get(word.toLowerCase());
}

const BY_WORD = new Map<string, number>(WORDS.map((word, index) => [word, FIRST_KEYWORD + index]));

// ---- look-up without a substring: open addressing over a hash that the lexer computes while it scans ----

const TABLE_SIZE = 2048;
const SLOTS = buildSlots();

export function hashStep(hash: number, lowerCode: number): number {
  return (Math.imul(hash, 31) + lowerCode) | 0;
}

function buildSlots(): Int16Array {
  const slots = new Int16Array(TABLE_SIZE).fill(-1);
  WORDS.forEach((word, index) => {
    let hash = 0;
    for (let i = 0; i < word.length; i++) hash = hashStep(hash, word.charCodeAt(i));
    let slot = hash & (TABLE_SIZE - 1);
    while (slots[slot] !== -1) slot = (slot + 1) & (TABLE_SIZE - 1);
    slots[slot] = index;
  });
  return slots;
}

/** The kind of the keyword at `[start, end)` whose lower-case ASCII codes hash to `hash`, or 0. */
export function findKeyword(text: string, start: number, end: number, hash: number): number {
  let slot = hash & (TABLE_SIZE - 1);
  for (;;) {
    const index = SLOTS[slot] as number;
    if (index === -1) return 0;
    if (equalsWord(text, start, end, WORDS[index] as string)) return FIRST_KEYWORD + index;
    slot = (slot + 1) & (TABLE_SIZE - 1);
  }
}

function equalsWord(text: string, start: number, end: number, word: string): boolean {
  if (word.length !== end - start) return false;
  for (let i = 0; i < word.length; i++) {
    const code = text.charCodeAt(start + i);
    const lower = code >= 65 && code <= 90 ? code | 32 : code;
    if (lower !== word.charCodeAt(i)) return false;
  }
  return true;
}

// ---- hints ----

const SHORTEST_WORD_TO_GUESS = 3;

/** The words that most statements are made of: they win over rarer ones at the same distance. */
const MAIN_WORDS: readonly Keyword[] = [
  ...(['select', 'from', 'where', 'group', 'by', 'having', 'order', 'limit', 'offset', 'join', 'left', 'inner', 'on', 'using'] as const),
  ...(['insert', 'into', 'values', 'update', 'set', 'delete', 'create', 'table', 'drop', 'alter', 'with', 'union', 'distinct'] as const),
  ...(['sample', 'fill', 'align', 'latest', 'partition', 'asof', 'tolerance', 'show', 'describe', 'explain', 'between', 'and'] as const),
];
const WORDS_TO_GUESS: readonly Keyword[] = [...new Set([...MAIN_WORDS, ...WORDS])];

/** As `nearestKeyword`, of the main words only. */
export function nearestMainWord(word: string): string | null {
  return nearestKeyword(word, MAIN_WORDS);
}

/** The keyword that `word` was probably meant to be, upper case, or null: one edit for short words, two for long ones. */
export function nearestKeyword(word: string, among: readonly string[] = WORDS_TO_GUESS): string | null {
  const lower = word.toLowerCase();
  if (lower.length < SHORTEST_WORD_TO_GUESS || lower.length > 20) return null;
  let best: string | null = null;
  let bestDistance = lower.length >= 6 ? 3 : 2;
  for (const candidate of among) {
    if (Math.abs(candidate.length - lower.length) >= bestDistance || candidate === lower) continue;
    const distance = editDistance(lower, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best?.toUpperCase() ?? null;
}

/** Insertions, deletions, substitutions and swaps of neighbours. */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, (beforePrevious[j - 2] ?? 0) + 1);
      current[j] = cost;
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}
