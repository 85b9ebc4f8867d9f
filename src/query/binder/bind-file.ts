/** Files in FROM: `'trades.csv'`, read_csv(…), read_parquet(…), read_arrow(…), read_json(…). */
import { basename } from 'node:path';
import type { Value } from '../../core/batch.js';
import { DbError } from '../../core/errors.js';
import { isText } from '../../core/types.js';
import { type FileFormat, isFileName } from '../../formats/files/file-options.js';
import { type FileSetting, givenOptions, unionSettings } from '../files/file-settings.js';
import type { LogicalPlan } from '../plan/logical.js';
import type { FunctionCall, Expression as Syntax } from '../syntax/ast/query.js';
import type { FileTable, TableName } from '../syntax/ast/table.js';
import { filesPlan } from './bind-files.js';
import type { BoundRelation, FromClause } from './context.js';
import { sampled } from './sample.js';
import { Scope } from './scope.js';
import { asRelation } from './table-alias.js';

/** Functions that read a file, and the format that they read; null = as the file's name says. */
export const FILE_FUNCTIONS: Readonly<Record<string, FileFormat>> = {
  read_csv: 'csv',
  read_csv_auto: 'csv',
  read_parquet: 'parquet',
  parquet_scan: 'parquet',
  read_arrow: 'arrow',
  read_json: 'json',
  read_json_auto: 'json',
  read_ndjson: 'json',
  read_ndjson_auto: 'json',
};

export function bindFile(reference: FileTable, clause: FromClause): BoundRelation {
  return bindPath(reference.path, reference, clause);
}

/** A name of a table that is none may be that of a file: "trades.csv". */
export function bindFileName(reference: TableName, clause: FromClause): BoundRelation | null {
  const [only, ...more] = reference.name;
  if (!only?.quoted || more.length > 0 || !isFileName(only.name)) return null;
  return bindPath(only.name, reference, clause);
}

function bindPath(path: string, reference: FileTable | TableName, clause: FromClause): BoundRelation {
  const plan = filesPlan([path], { given: {}, byName: false, fileName: null }, reference.position, clause.context);
  const name = basename(path).replace(/\..*$/, '');
  return asRelation(sampled(plan, reference.sample, clause), plan.output, reference.alias, name, null, reference.position);
}

/** A call of one of FILE_FUNCTIONS. */
export function bindFileFunction(name: string, call: FunctionCall, clause: FromClause): LogicalPlan {
  const [first, ...more] = call.arguments;
  const path = first && first.name === null ? constantOf(first.value, clause, name) : undefined;
  const paths = Array.isArray(path) ? (path as readonly Value[]) : [path];
  if (!paths.every((each) => typeof each === 'string')) {
    throw new DbError('function_not_found', `${name} takes the name of a file or a list of names, then options such as delim => ';'`, {
      position: first?.value.position ?? call.position,
    });
  }
  const settings = more.map((argument): FileSetting => {
    if (argument.name === null) {
      throw new DbError('function_not_found', `${name} takes one file, then options by name`, { position: argument.value.position });
    }
    const value = constantOf(argument.value, clause, name);
    if (typeof value === 'object' && value !== null) {
      throw new DbError('type_mismatch', `option ${argument.name.name} is a text, a number or a bool`, {
        position: argument.value.position,
      });
    }
    return { name: argument.name.name.toLowerCase(), value, position: argument.name.position };
  });
  const { byName, fileName, others } = unionSettings(settings);
  const given = { format: FILE_FUNCTIONS[name], ...givenOptions(others) };
  return filesPlan(paths, { given, byName, fileName }, call.position, clause.context);
}

function constantOf(syntax: Syntax, clause: FromClause, name: string): Value {
  const { context, commonTables } = clause;
  const inner = { context, name: `${name}(…)`, scope: new Scope([], null), commonTables, relation: null, aggregates: null };
  const bound = context.bindExpression(syntax, inner);
  const value = context.evaluateConstant(bound);
  return value === null && isText(bound.type) ? null : value;
}
