/** Syntax tree → canonical SQL: statements. */
import type { QualifiedName } from '../ast/node.js';
import type { SelectItem } from '../ast/query.js';
import type {
  Assignment,
  Copy,
  Delete,
  Explain,
  Insert,
  Merge,
  MergeAction,
  MergeClause,
  OnConflict,
  SetSetting,
  Show,
  Statement,
  Transaction,
  Update,
} from '../ast/statement.js';
import { DefinitionPrinter, words } from './definitions.js';

export class StatementPrinter extends DefinitionPrinter {
  statement(node: Statement): string {
    switch (node.kind) {
      case 'query':
        return this.query(node);
      case 'insert':
        return this.insert(node);
      case 'update':
        return this.update(node);
      case 'delete':
        return this.delete(node);
      case 'merge':
        return this.merge(node);
      case 'copy':
        return this.copy(node);
      case 'truncate':
        return `TRUNCATE TABLE ${this.names(node.tables)}`;
      case 'createTable':
        return this.createTable(node);
      case 'createView':
        return this.createView(node);
      case 'createSchema':
        return `CREATE SCHEMA ${node.ifNotExists ? 'IF NOT EXISTS ' : ''}${this.name(node.name)}`;
      case 'createIndex':
        return this.createIndex(node);
      case 'drop':
        return this.drop(node);
      case 'alterTable':
        return this.alterTable(node);
      case 'comment':
        return this.comment(node);
      default:
        return this.sessionStatement(node);
    }
  }

  private sessionStatement(node: Statement): string {
    switch (node.kind) {
      case 'transaction':
        return this.transaction(node);
      case 'savepoint': {
        const actions = { create: 'SAVEPOINT', release: 'RELEASE SAVEPOINT', rollback: 'ROLLBACK TO SAVEPOINT' } as const;
        return `${actions[node.action]} ${this.identifier(node.name)}`;
      }
      case 'show':
        return this.show(node);
      case 'describe':
        return `DESCRIBE ${node.query === null ? this.name(node.table ?? []) : this.query(node.query)}`;
      case 'summarize':
        return `SUMMARIZE ${node.query === null ? this.name(node.table ?? []) : this.query(node.query)}`;
      case 'explain':
        return this.explain(node);
      case 'set':
        return this.set(node);
      case 'reset':
        return `RESET ${node.name === null ? 'ALL' : this.settingName(node.name)}`;
      case 'cancelQuery':
        return `CANCEL QUERY ${this.expression(node.id)}`;
      case 'prepare': {
        const types = node.types.length === 0 ? '' : ` (${node.types.map((type) => this.type(type)).join(', ')})`;
        return `PREPARE ${this.identifier(node.name)}${types} AS ${this.statement(node.statement)}`;
      }
      case 'execute':
        return `EXECUTE ${this.identifier(node.name)}${node.arguments.length === 0 ? '' : `(${this.expressions(node.arguments)})`}`;
      case 'deallocate':
        return `DEALLOCATE ${node.name === null ? 'ALL' : this.identifier(node.name)}`;
      case 'use':
        return `USE ${this.name(node.name)}`;
      default:
        return '';
    }
  }

  private names(names: readonly QualifiedName[]): string {
    return names.map((name) => this.name(name)).join(', ');
  }

  // ---- data ----

  private returning(items: readonly SelectItem[]): string {
    return items.length === 0 ? '' : `RETURNING ${this.selectItems(items)}`;
  }

  private insert(node: Insert): string {
    const { onConflict } = node;
    return words(
      node.with === null ? '' : this.with(node.with),
      `INSERT INTO ${this.name(node.table)}`,
      node.alias === null ? '' : `AS ${this.identifier(node.alias)}`,
      node.columns.length === 0 ? '' : `(${this.identifiers(node.columns)})`,
      node.byName ? 'BY NAME' : '',
      node.source === null ? 'DEFAULT VALUES' : this.query(node.source),
      onConflict === null ? '' : this.onConflict(onConflict),
      this.returning(node.returning),
    );
  }

  private onConflict(node: OnConflict): string {
    const target = node.target.length === 0 ? '' : `(${this.expressions(node.target)})`;
    return words(
      'ON CONFLICT',
      node.constraint === null ? target : `ON CONSTRAINT ${this.identifier(node.constraint)}`,
      node.targetWhere === null ? '' : `WHERE ${this.expression(node.targetWhere)}`,
      `DO ${node.action.toUpperCase()}`,
      node.action === 'update' ? this.assignments(node.assignments) : '',
      node.where === null ? '' : `WHERE ${this.expression(node.where)}`,
    );
  }

  private assignments(assignments: readonly Assignment[]): string {
    const list = assignments.map(({ columns, value }) => {
      const target = columns.length === 1 ? this.names(columns) : `(${this.names(columns)})`;
      return `${target} = ${this.expression(value)}`;
    });
    return `SET ${list.join(', ')}`;
  }

  private update(node: Update): string {
    return words(
      node.with === null ? '' : this.with(node.with),
      `UPDATE ${this.name(node.table)}`,
      node.alias === null ? '' : `AS ${this.identifier(node.alias)}`,
      this.assignments(node.assignments),
      node.from.length === 0 ? '' : `FROM ${this.tables(node.from)}`,
      node.where === null ? '' : `WHERE ${this.expression(node.where)}`,
      this.returning(node.returning),
    );
  }

  private delete(node: Delete): string {
    return words(
      node.with === null ? '' : this.with(node.with),
      `DELETE FROM ${this.name(node.table)}`,
      node.alias === null ? '' : `AS ${this.identifier(node.alias)}`,
      node.using.length === 0 ? '' : `USING ${this.tables(node.using)}`,
      node.where === null ? '' : `WHERE ${this.expression(node.where)}`,
      this.returning(node.returning),
    );
  }

  private merge(node: Merge): string {
    return words(
      node.with === null ? '' : this.with(node.with),
      `MERGE INTO ${this.name(node.table)}`,
      node.alias === null ? '' : `AS ${this.identifier(node.alias)}`,
      `USING ${this.table(node.source)} ON ${this.expression(node.on)}`,
      ...node.clauses.map((clause) => this.mergeClause(clause)),
      this.returning(node.returning),
    );
  }

  private mergeClause(clause: MergeClause): string {
    const when = { matched: 'MATCHED', notMatchedByTarget: 'NOT MATCHED', notMatchedBySource: 'NOT MATCHED BY SOURCE' } as const;
    const condition = clause.condition === null ? '' : ` AND ${this.expression(clause.condition)}`;
    return `WHEN ${when[clause.when]}${condition} THEN ${this.mergeAction(clause.action)}`;
  }

  private mergeAction(action: MergeAction): string {
    switch (action.kind) {
      case 'update':
        return `UPDATE ${this.assignments(action.assignments)}`;
      case 'delete':
        return 'DELETE';
      case 'nothing':
        return 'DO NOTHING';
      case 'insert': {
        const columns = action.columns.length === 0 ? '' : ` (${this.identifiers(action.columns)})`;
        return `INSERT${columns} ${action.values === null ? 'DEFAULT VALUES' : `VALUES (${this.expressions(action.values)})`}`;
      }
    }
  }

  private copy(node: Copy): string {
    const { source } = node;
    const columns = source.kind === 'table' && source.columns.length > 0 ? ` (${this.identifiers(source.columns)})` : '';
    const subject = source.kind === 'query' ? `(${this.query(source.query)})` : `${this.name(source.name)}${columns}`;
    const path = node.path === null ? (node.direction === 'from' ? 'STDIN' : 'STDOUT') : this.quantity(node.path);
    return words(
      `COPY ${subject} ${node.direction.toUpperCase()} ${path}`,
      node.options.length === 0 ? '' : `WITH ${this.settings(node.options)}`,
    );
  }

  // ---- session ----

  private transaction(node: Transaction): string {
    const modes: string[] = [];
    if (node.isolation !== null) modes.push(`ISOLATION LEVEL ${node.isolation.toUpperCase()}`);
    if (node.readOnly !== null) modes.push(node.readOnly ? 'READ ONLY' : 'READ WRITE');
    return words(node.action.toUpperCase(), modes.join(', '));
  }

  private show(node: Show): string {
    const name = node.name === null ? '' : this.name(node.name);
    if (node.subject === 'setting') return `SHOW ${name}`;
    if (node.subject === 'settings') return 'SHOW ALL';
    if (node.subject === 'createTable' || node.subject === 'createView')
      return `SHOW CREATE ${node.subject.slice('create'.length).toUpperCase()} ${name}`;
    return words(
      `SHOW ${node.subject.toUpperCase()}`,
      name === '' ? '' : `FROM ${name}`,
      node.like === null ? '' : `LIKE ${this.quantity(node.like)}`,
    );
  }

  private explain(node: Explain): string {
    const options = [
      ...(node.analyze ? ['ANALYZE'] : []),
      ...(node.format === 'json' ? ['FORMAT json'] : []),
      ...node.options.map((option) => this.setting(option)),
    ];
    const isAnalyzeOnly = node.analyze && options.length === 1;
    const list = options.length === 0 ? '' : isAnalyzeOnly ? 'ANALYZE' : `(${options.join(', ')})`;
    return words('EXPLAIN', list, this.statement(node.statement));
  }

  private set(node: SetSetting): string {
    const scope = node.scope === null ? '' : `${node.scope.toUpperCase()} `;
    const modes = node.values.map((value) => (value.kind === 'string' ? value.value.toUpperCase() : ''));
    if (node.name === 'transaction' && modes.length > 0 && modes.every((mode) => /^(?:ISOLATION LEVEL|READ) /.test(mode))) {
      return `SET ${scope}TRANSACTION ${modes.join(', ')}`;
    }
    const values = node.values.length === 0 ? 'DEFAULT' : node.values.map((value) => this.settingValue(value)).join(', ');
    return `SET ${scope}${this.settingName(node.name)} = ${values}`;
  }
}
