/** PREPARE, EXECUTE, DEALLOCATE. Arguments take the places of the parameters in the syntax tree, so they adapt as literals do. */
import { DbError } from '../../core/errors.js';
import { didYouMean } from '../binder/nearest-name.js';
import { Scope } from '../binder/scope.js';
import type { PreparedStatement } from '../session.js';
import type { Parameter } from '../syntax/ast/literal.js';
import type { Expression as Syntax } from '../syntax/ast/query.js';
import type { Deallocate, Execute, Prepare, Statement } from '../syntax/ast/statement.js';
import { bindContextOf, done, type StatementContext, type StatementOutcome } from './statement.js';

export function prepare(statement: Prepare, context: StatementContext): StatementOutcome {
  const { prepared } = context.client;
  const key = statement.name.name.toLowerCase();
  if (prepared.has(key)) {
    throw new DbError('invalid_argument', `a statement is prepared as ${statement.name.name} already`, {
      position: statement.name.position,
      hint: `DEALLOCATE ${statement.name.name}`,
    });
  }
  const named = parametersOf(statement.statement).find((parameter) => parameter.name !== null);
  if (named) throw new DbError('unsupported', 'PREPARE takes $1, $2, … or ?', { position: named.position });
  prepared.set(key, { syntax: statement, sql: context.sql });
  return done('utility');
}

export function deallocate(statement: Deallocate, context: StatementContext): StatementOutcome {
  const { prepared } = context.client;
  if (statement.name === null) prepared.clear();
  else {
    preparedOf(statement.name.name, statement.name.position, context);
    prepared.delete(statement.name.name.toLowerCase());
  }
  return done('utility');
}

function preparedOf(name: string, position: number, context: StatementContext): PreparedStatement {
  const { prepared } = context.client;
  const found = prepared.get(name.toLowerCase());
  if (found) return found;
  throw new DbError('not_found', `no statement is prepared as ${name}`, { position, hint: didYouMean(name, [...prepared.keys()]) });
}

/** The statement with its arguments, and the context that it runs in. */
export function executed(
  statement: Execute,
  context: StatementContext,
): { readonly statement: Statement; readonly context: StatementContext } {
  const { syntax, sql } = preparedOf(statement.name.name, statement.name.position, context);
  const inner: StatementContext = { ...context, sql };
  const parameters = parametersOf(syntax.statement);
  const numbers = numbersOf(parameters, sql);
  const wanted = Math.max(0, ...numbers.values());
  if (wanted !== statement.arguments.length) {
    throw new DbError('invalid_argument', `${statement.name.name} takes ${wanted} arguments, not ${statement.arguments.length}`, {
      position: statement.position,
    });
  }
  checkConstant(statement.arguments, context);
  const args = statement.arguments.map((argument, i): Syntax => {
    const type = syntax.types[i];
    return type ? { kind: 'cast', operand: argument, type, isTry: false, position: argument.position, end: argument.end } : argument;
  });
  const put = (parameter: Parameter): Syntax => {
    const value = args[(numbers.get(parameter) ?? 1) - 1] as Syntax;
    const { position, end, type } = parameter;
    if (type === null) return { ...value, position, end };
    return { kind: 'cast', operand: { ...value, position, end }, type, isTry: false, position, end };
  };
  return { statement: replaced(syntax.statement, put) as Statement, context: inner };
}

/** Arguments read no columns. */
function checkConstant(args: readonly Syntax[], context: StatementContext): void {
  const snapshot = context.writer.snapshot();
  try {
    const bind = bindContextOf(context, snapshot);
    const scope = new Scope([], null);
    const clause = { context: bind, name: 'EXECUTE', scope, commonTables: new Map(), relation: null, aggregates: null };
    for (const argument of args) bind.bindExpression(argument, clause);
  } finally {
    snapshot.release();
  }
}

/** `?` are counted within the statement. */
function numbersOf(parameters: readonly Parameter[], sql: string): ReadonlyMap<Parameter, number> {
  let last = 0;
  return new Map(parameters.map((parameter) => [parameter, sql[parameter.position] === '?' ? ++last : (parameter.index ?? 1)] as const));
}

export function parametersOf(statement: Statement): readonly Parameter[] {
  const found: Parameter[] = [];
  replaced(statement, (parameter) => {
    found.push(parameter);
    return parameter;
  });
  return found.sort((a, b) => a.position - b.position);
}

/** A copy of the tree with every parameter replaced. */
function replaced(node: unknown, put: (parameter: Parameter) => Syntax): unknown {
  if (typeof node !== 'object' || node === null) return node;
  if (Array.isArray(node)) return node.map((each) => replaced(each, put));
  if ((node as { kind?: unknown }).kind === 'parameter') return put(node as Parameter);
  return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, replaced(value, put)]));
}
