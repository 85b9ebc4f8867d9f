/** Runs random queries of a random world on both systems and reports where the answers part. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asDbError } from '../../src/core/errors.js';
import { EMBEDDED } from '../../src/core/principal.js';
import { settingsWith } from '../../src/core/settings.js';
import { valueAt } from '../../src/core/values.js';
import { type OpenEngine, openDatabase } from '../../src/database.js';
import { RULES } from '../../src/query/optimizer/optimizer.js';
import type { Peer } from './peer.js';
import { comparisonOf, type Query, QueryMaker, queryText } from './queries.js';
import { Random } from './random.js';
import { smallerQueries } from './shrink.js';
import { type Cell, cellOf, difference, type Row } from './values.js';
import { randomWorld, rendered, type World } from './world.js';

export interface FailedQuery {
  readonly kind: string;
  readonly text: string;
}

export interface Report {
  compared: number;
  refusedByBoth: number;
  refusedByPeer: number;
  /** Queries that this engine says it does not execute yet, or not in so little memory. */
  unsupported: number;
  /** Values that overflow or do not convert here, where DuckDB gave NULL, wider numbers or did not look. */
  valueErrors: number;
  rows: number;
  readonly failures: FailedQuery[];
}

export function emptyReport(): Report {
  return { compared: 0, refusedByBoth: 0, refusedByPeer: 0, unsupported: 0, valueErrors: 0, rows: 0, failures: [] };
}

/** Errors that depend on which rows an expression is computed for; the two systems need not compute it for the same. */
export const VALUE_ERRORS = new Set(['numeric_overflow', 'division_by_zero', 'invalid_value']);

/** Said honestly, and documented; a join that is too large for 512 MB is one. */
export const NOT_YET = new Set(['unsupported', 'query_memory_exceeded']);

export interface Ours {
  readonly rows?: readonly Row[];
  readonly error?: { readonly code: string; readonly message: string };
}

interface Engines {
  readonly inline: OpenEngine;
  readonly threaded: OpenEngine;
}

const SMALL_VECTORS = 64;
const AT_ONCE = process.env.FLETCH_DIFFERENTIAL_AT_ONCE !== undefined;

export async function runHere(engine: OpenEngine, sql: string, vectorRows: number | undefined): Promise<Ours> {
  try {
    const settings = vectorRows === undefined ? {} : { vector_rows: vectorRows };
    const result = await engine.query.execute({ sql, principal: EMBEDDED, settings });
    const rows: Cell[][] = [];
    for await (const batch of result.batches) {
      for (let row = 0; row < batch.rowCount; row++) {
        rows.push(batch.columns.map((vector) => cellOf(valueAt(engine.arena, vector, row), vector.type)));
      }
      batch.release();
    }
    return { rows };
  } catch (error) {
    const { code, message, cause, stack } = asDbError(error);
    const trace = code === 'internal' ? `\n${cause instanceof Error ? (cause.stack ?? '') : (stack ?? '')}` : '';
    return { error: { code, message: message + trace } };
  }
}

async function openEngines(world: World): Promise<{ engines: Engines; close: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'fletch-differential-'));
  const { segmentRows, dictionaryValues } = world;
  // Merged segments have their rows in another order than the ones before, and so have results without ORDER BY and sums of floats.
  const settings = { memory_limit: '512MB', segment_rows: segmentRows, dictionary_values: dictionaryValues, compaction: false };
  const open = (path: string, workerThreads: number) => openDatabase(settingsWith({ path, ...settings }), { workerThreads });
  const engines = { inline: await open(':memory:', 0), threaded: await open(folder, 2) };
  const close = async () => {
    await engines.inline.close();
    await engines.threaded.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { engines, close };
}

async function load(world: World, engines: Engines, peer: Peer): Promise<void> {
  await peer.reset();
  for (const statement of world.statements) {
    const reply = await peer.run(rendered(statement, 'theirs'));
    if (reply.error !== undefined) throw new Error(`DuckDB: ${reply.error}\n${statement.slice(0, 300)}`);
    for (const engine of [engines.inline, engines.threaded]) {
      const { error } = await runHere(engine, rendered(statement, 'ours'), undefined);
      if (error) throw new Error(`${error.code} ${error.message}\n${statement.slice(0, 300)}`);
    }
  }
  // Sealing puts rows in time order; it is done in both before the first query.
  if (world.segmentRows < 10_000) for (const engine of [engines.inline, engines.threaded]) await engine.storage.flush();
}

/** What is wrong with our answers to a query; undefined when nothing is. */
async function judge(query: Query, engines: Engines, peer: Peer, report?: Report): Promise<FailedQuery | undefined> {
  const template = queryText(query);
  const sql = rendered(template, 'ours');
  const fail = (kind: string, text: string): FailedQuery => ({
    kind,
    text: `${kind}: ${text}\nours:   ${sql}\ntheirs: ${rendered(template, 'theirs')}`,
  });
  const runs: Ours[] = [];
  for (const engine of [engines.inline, engines.threaded]) {
    runs.push(await runHere(engine, sql, undefined));
    const before = engine.arena.usedBytes;
    runs.push(await runHere(engine, sql, SMALL_VECTORS));
    const after = engine.arena.usedBytes;
    if (after > before) {
      await runHere(engine, sql, SMALL_VECTORS);
      if (engine.arena.usedBytes > after)
        return fail('leak', `${engine.arena.usedBytes - after} bytes (${engine === engines.inline ? 'inline' : 'threaded'})`);
    }
  }
  const [inline, inlineSmall, threaded, threadedSmall] = runs as [Ours, Ours, Ours, Ours];
  const internal = runs.find((run) => run.error?.code === 'internal');
  if (internal) return fail('crash', internal.error?.message ?? '');
  const reply = await peer.run(rendered(template, 'theirs'));
  const inner =
    innerDisagreement([inline, threaded], 'threads') ?? innerDisagreement([inlineSmall, threadedSmall], 'threads, small vectors');
  if (inner) return fail('threads', inner);
  if (inline.error?.code !== inlineSmall.error?.code)
    return fail('vectors', `${JSON.stringify(inline.error)} but ${JSON.stringify(inlineSmall.error)}`);
  const sizes = inline.rows && inlineSmall.rows && difference(inlineSmall.rows, inline.rows, comparisonOf(query));
  if (sizes) return fail('vectors', sizes);
  const unoptimized = await withoutRules(query, sql, engines.inline, inline);
  if (unoptimized) return fail('optimizer', unoptimized);
  if (inline.error) {
    if (reply.error !== undefined) {
      if (process.env.FLETCH_PEER_ERRORS !== undefined)
        console.log('BOTH', inline.error.code, inline.error.message, '|', reply.error.split('\n')[0], '::', sql);
      if (report) report.refusedByBoth++;
      return undefined;
    }
    if (NOT_YET.has(inline.error.code) && report) {
      report.unsupported++;
      return undefined;
    }
    if (VALUE_ERRORS.has(inline.error.code) && process.env.FLETCH_VALUE_ERRORS === undefined) {
      if (report) report.valueErrors++;
      return undefined;
    }
    return fail('refused', `${inline.error.code} ${inline.error.message}`);
  }
  if (reply.error !== undefined) {
    if (report) report.refusedByPeer++;
    if (process.env.FLETCH_PEER_ERRORS !== undefined) console.log(reply.error.split('\n')[0], '::', sql);
    return undefined;
  }
  const wrong = difference(inline.rows ?? [], reply.rows, comparisonOf(query));
  if (report) {
    report.compared++;
    report.rows += reply.rows.length;
  }
  return wrong ? fail('answer', wrong) : undefined;
}

/**
 * One run in a configuration that the query's text chooses (threads, vector size, a rule switched off), compared with the peer's answer:
 * a fifth of the time, for long hunts. False when they differ or somebody refuses; then judge() says more.
 */
async function agreesAtOnce(query: Query, engines: Engines, peer: Peer, report: Report): Promise<boolean> {
  const template = queryText(query);
  const theirs = peer.run(rendered(template, 'theirs'));
  const choice = template.length % 6;
  const engine = choice < 2 || choice > 3 ? engines.inline : engines.threaded;
  const rule = choice < 4 ? 'none' : (RULES[template.length % RULES.length] as (typeof RULES)[number]).name;
  if (rule !== 'none') await runHere(engine, `SET disabled_optimizer_rules = '${rule}'`, undefined);
  const ours = await runHere(engine, rendered(template, 'ours'), choice % 2 === 0 ? undefined : SMALL_VECTORS);
  if (rule !== 'none') await runHere(engine, 'RESET disabled_optimizer_rules', undefined);
  const reply = await theirs;
  if (!ours.rows || reply.error !== undefined || difference(ours.rows, reply.rows, comparisonOf(query))) return false;
  report.compared++;
  report.rows += reply.rows.length;
  return true;
}

/** The answer without one of the optimizer's rules, or without all, must be the same; only which values are looked at may differ. */
async function withoutRules(query: Query, sql: string, engine: OpenEngine, expected: Ours): Promise<string | undefined> {
  const choices = [...RULES.map((rule) => rule.name), RULES.map((rule) => rule.name).join(',')];
  const disabled = choices[sql.length % choices.length] as string;
  await runHere(engine, `SET disabled_optimizer_rules = '${disabled}'`, undefined);
  const actual = await runHere(engine, sql, undefined);
  await runHere(engine, 'RESET disabled_optimizer_rules', undefined);
  for (const { error } of [actual, expected]) if (error && (VALUE_ERRORS.has(error.code) || NOT_YET.has(error.code))) return undefined;
  if (actual.error?.code !== expected.error?.code)
    return `without ${disabled}: ${JSON.stringify(actual.error)} but ${JSON.stringify(expected.error)}`;
  const different = difference(actual.rows ?? [], expected.rows ?? [], comparisonOf(query));
  return different && `without ${disabled}: ${different}`;
}

function innerDisagreement([a, b]: readonly [Ours, Ours], what: string): string | undefined {
  if (a.error || b.error)
    return a.error?.code === b.error?.code ? undefined : `${what}: ${JSON.stringify(a.error)} but ${JSON.stringify(b.error)}`;
  const [left, right] = [a.rows ?? [], b.rows ?? []];
  if (left.length !== right.length) return `${what}: ${left.length} rows but ${right.length}`;
  const at = left.findIndex((row, i) => row.some((cell, j) => cell !== right[i]?.[j]));
  return at < 0 ? undefined : `${what}: row ${at} is ${JSON.stringify(left[at])} but ${JSON.stringify(right[at])}`;
}

/** Drops clauses as long as the same kind of failure stays. */
async function shrunk(query: Query, failure: FailedQuery, engines: Engines, peer: Peer): Promise<FailedQuery> {
  let smallest = failure;
  let current = query;
  for (let budget = 150; budget > 0; ) {
    let found = false;
    for (const candidate of smallerQueries(current)) {
      if (budget-- <= 0) break;
      const outcome = await judge(candidate, engines, peer);
      if (outcome?.kind !== failure.kind) continue;
      [current, smallest, found] = [candidate, outcome, true];
      break;
    }
    if (!found) break;
  }
  return smallest;
}

/** `queries` random queries over the world of a seed. */
export async function compareWorld(seed: number, queries: number, peer: Peer, report: Report): Promise<void> {
  const random = new Random(seed);
  const world = randomWorld(random);
  const { engines, close } = await openEngines(world);
  try {
    await load(world, engines, peer);
    for (let i = 0; i < queries; i++) {
      const query = new QueryMaker(new Random(seed * 1000 + i), world).query();
      if (AT_ONCE && (await agreesAtOnce(query, engines, peer, report))) continue;
      const failure = await judge(query, engines, peer, report);
      if (!failure) continue;
      const small = await shrunk(query, failure, engines, peer);
      const tables = world.statements.filter((each) => each.startsWith('CREATE')).join('\n');
      report.failures.push({ kind: small.kind, text: `seed ${seed} query ${i} ${small.text}\n${tables}` });
    }
  } finally {
    await close();
  }
}
