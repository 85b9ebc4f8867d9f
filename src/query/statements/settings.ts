/** SET, RESET, CANCEL QUERY. */
import { DbError } from '../../core/errors.js';
import { UTF8 } from '../../core/types.js';
import { castTo } from '../binder/coercion.js';
import { DEFAULT_PATH } from '../binder/object-name.js';
import { Scope } from '../binder/scope.js';
import type { Expression as Syntax } from '../syntax/ast/query.js';
import type { CancelQuery, ResetSetting, SetSetting } from '../syntax/ast/statement.js';
import { setSearchPath } from './schemas.js';
import { bindContextOf, done, notYet, type StatementContext, type StatementOutcome } from './statement.js';

/** Settings of other systems that clients send on connect; they ask for what is so anyway. */
const ACCEPTED = new Set([
  'client_encoding',
  'datestyle',
  'standard_conforming_strings',
  'extra_float_digits',
  'application_name',
  'statement_timeout',
]);
/** DuckDB's settings about how a query runs, not what it gives: scripts that were written for it set them; here they have no effect. */
const HINTS = new Set([
  ...['enable_verification', 'disable_verification', 'verify_parallelism', 'verify_external', 'verify_serializer', 'verify_fetch_row'],
  ...['disable_verify_parallelism', 'disable_verify_external', 'disable_verify_serializer', 'disable_verify_fetch_row'],
  ...['enable_optimizer', 'disable_optimizer', 'disabled_optimizers', 'enable_profiling', 'disable_profiling', 'profiling_output'],
  ...['profiling_mode', 'explain_output', 'threads', 'worker_threads', 'external_threads', 'preserve_insertion_order'],
  ...[
    'enable_progress_bar',
    'disable_progress_bar',
    'enable_object_cache',
    'disable_object_cache',
    'force_checkpoint',
    'checkpoint_threshold',
  ],
  ...['perfect_ht_threshold', 'ordered_aggregate_threshold', 'merge_join_threshold', 'nested_loop_join_threshold'],
  ...['asof_loop_join_threshold', 'prefer_range_joins', 'pivot_filter_threshold', 'dynamic_or_filter_threshold', 'temp_directory'],
]);
const DEBUG = /^debug_/;

const ALIASES: Readonly<Record<string, string>> = {
  'time zone': 'timezone',
  statement_timeout: 'timeout_ms',
  null_order: 'default_null_order',
};

export function set(statement: SetSetting, context: StatementContext): StatementOutcome {
  if (statement.name === 'transaction') throw notYet('SET TRANSACTION', statement);
  const name = ALIASES[statement.name] ?? statement.name;
  if (ACCEPTED.has(name) || HINTS.has(name) || DEBUG.test(name)) return done('utility');
  if (name === 'search_path' || name === 'schema') {
    const names = statement.values.flatMap((value) => settingText(value, context).split(','));
    setSearchPath(
      names.map((each) => each.trim().replace(/^"(.*)"$/s, '$1')),
      context,
      statement.position,
    );
    return done('utility');
  }
  const [value, ...more] = statement.values;
  if (more.length > 0 && name !== 'disabled_optimizer_rules')
    throw new DbError('invalid_argument', `${name} takes one value`, { position: more[0]?.position });
  const texts = statement.values.map((each) => settingText(each, context));
  context.session.set(name, value === undefined ? null : texts.length === 1 ? (texts[0] ?? '') : texts.join(','), statement.position);
  return done('utility');
}

/** A bare word stands for itself. */
function settingText(syntax: Syntax, context: StatementContext): string {
  if (syntax.kind === 'column') return syntax.name.map((part) => part.name).join('.');
  return constantText(syntax, context);
}

function constantText(syntax: Syntax, context: StatementContext): string {
  if (syntax.kind === 'string') return syntax.value;
  if (syntax.kind === 'number') return syntax.text;
  const snapshot = context.writer.snapshot();
  try {
    const bind = bindContextOf(context, snapshot);
    const bound = bind.bindExpression(syntax, {
      context: bind,
      name: 'SET',
      scope: new Scope([], null),
      commonTables: new Map(),
      relation: null,
      aggregates: null,
    });
    return String(bind.evaluateConstant(castTo(bound, UTF8)) ?? '');
  } finally {
    snapshot.release();
  }
}

export function reset(statement: ResetSetting, context: StatementContext): StatementOutcome {
  if (statement.name === null) context.session.reset();
  else if (statement.name === 'search_path' || statement.name === 'schema') context.session.searchPath = DEFAULT_PATH;
  else if (HINTS.has(statement.name) || DEBUG.test(statement.name)) return done('utility');
  else context.session.set(ALIASES[statement.name] ?? statement.name, null, statement.position);
  return done('utility');
}

export function cancelQuery(statement: CancelQuery, context: StatementContext): StatementOutcome {
  const id = constantText(statement.id, context);
  if (!context.queries.cancel(id))
    throw new DbError('not_found', `no query with the id ${id} is running`, { position: statement.id.position });
  return done('utility');
}
