/** ALTER, RENAME, DROP, COMMENT ON. */
import type { Identifier } from '../ast/node.js';
import type { AlterAction, AlterTable, Comment, Drop, ObjectType } from '../ast/statement.js';
import { K } from '../keywords.js';
import { T } from '../token-kind.js';
import { CreateStatementParser } from './create-statements.js';

/** An action without its position and end. */
type Bare<Action> = Action extends unknown ? Omit<Action, 'position' | 'end'> : never;

export abstract class AlterStatementParser extends CreateStatementParser {
  protected parseAlter(): AlterTable {
    const position = this.position;
    this.expect(K.alter);
    const objectType = this.parseObjectType();
    const ifExists = this.parseIfExists();
    const name = this.parseQualifiedName(`a ${objectType}`);
    const actions = this.list(() => this.parseAlterAction());
    return { kind: 'alterTable', objectType, name, ifExists, actions, position, end: this.end };
  }

  /** RENAME TABLE a TO b. */
  protected parseRename(): AlterTable {
    const position = this.position;
    this.expect(K.rename);
    const objectType = this.parseObjectType();
    const ifExists = this.parseIfExists();
    const name = this.parseQualifiedName('a table');
    const start = this.position;
    this.expect(K.to);
    const action = { kind: 'rename', to: this.parseRenameTarget(), position: start, end: this.end } as const;
    return { kind: 'alterTable', objectType, name, ifExists, actions: [action], position, end: this.end };
  }

  private parseRenameTarget(): Identifier {
    if (!this.isStringToken(this.kind)) return this.parseIdentifier('the new name');
    const position = this.position;
    const name = this.parseString();
    if (name === '') throw this.error('a name cannot be empty', position);
    return { name, quoted: true, position };
  }

  private parseObjectType(): ObjectType {
    if (this.accept(K.table)) return 'table';
    if (this.accept(K.view)) return 'view';
    if (this.accept(K.schema)) return 'schema';
    if (this.accept(K.index)) return 'index';
    if (this.acceptBoth(K.materialized, K.view)) return 'materializedView';
    throw this.unexpected('TABLE, VIEW, SCHEMA or INDEX', K.table);
  }

  private parseAlterAction(): AlterAction {
    const position = this.position;
    return { ...this.parseActionBody(), position, end: this.end };
  }

  private parseActionBody(): Bare<AlterAction> {
    if (this.accept(K.add)) return this.parseAdd();
    if (this.accept(K.drop)) return this.parseDropAction();
    if (this.accept(K.rename)) return this.parseRenameAction();
    if (this.accept(K.alter)) return this.parseAlterColumn();
    if (this.accept(K.set)) return this.parseSetAction();
    if (this.accept(K.dedup)) return this.parseDedupAction();
    if (this.kind === K.cluster) return { kind: 'setClusterBy', columns: this.parseClusterBy() };
    if (this.accept(K.reset)) return { kind: 'resetOptions', names: this.parenthesised(() => this.parseSettingName()) };
    throw this.unexpected('ADD, DROP, RENAME, ALTER, SET, RESET or DEDUP');
  }

  private parseAdd(): Bare<AlterAction> {
    const isConstraint = this.kind === K.constraint || this.kind === K.primary || this.kind === K.unique || this.kind === K.check;
    if (isConstraint || this.kind === K.foreign) return { kind: 'addConstraint', constraint: this.parseTableConstraint() };
    this.accept(K.column);
    const ifNotExists = this.parseIfNotExists();
    return { kind: 'addColumn', column: this.parseColumnDefinition(), ifNotExists };
  }

  private parseDropAction(): Bare<AlterAction> {
    if (this.accept(K.partition)) return this.parseDropPartition();
    if (this.accept(K.constraint)) {
      const ifExists = this.parseIfExists();
      return { kind: 'dropConstraint', name: this.parseIdentifier('a constraint'), ifExists, cascade: this.parseCascade() };
    }
    this.accept(K.column);
    const ifExists = this.parseIfExists();
    return { kind: 'dropColumn', column: this.parseIdentifier('a column name'), ifExists, cascade: this.parseCascade() };
  }

  private parseDropPartition(): Bare<AlterAction> {
    if (this.accept(K.where)) return { kind: 'dropPartition', partitions: [], where: this.parseExpression() };
    this.expect(K.list);
    return { kind: 'dropPartition', partitions: this.list(() => this.parseOperand()), where: null };
  }

  private parseCascade(): boolean {
    if (this.accept(K.cascade)) return true;
    this.accept(K.restrict);
    return false;
  }

  private parseRenameAction(): Bare<AlterAction> {
    if (this.accept(K.to)) return { kind: 'rename', to: this.parseRenameTarget() };
    this.accept(K.column);
    const column = this.parseIdentifier('a column name');
    this.expect(K.to);
    return { kind: 'renameColumn', column, to: this.parseIdentifier('the new name') };
  }

  private parseAlterColumn(): Bare<AlterAction> {
    this.accept(K.column);
    const column = this.parseIdentifier('a column name');
    if (this.acceptBoth(K.add, K.index)) return { kind: 'addIndex', column };
    if (this.acceptBoth(K.drop, K.index)) return { kind: 'dropIndex', column };
    if (this.acceptBoth(K.drop, K.default)) return { kind: 'dropDefault', column };
    if (this.acceptBoth(K.drop, K.not)) {
      this.expect(K.null);
      return { kind: 'dropNotNull', column };
    }
    const hasSet = this.accept(K.set);
    if (hasSet && this.accept(K.default)) return { kind: 'setDefault', column, value: this.parseExpression() };
    if (hasSet && this.accept(K.not)) {
      this.expect(K.null);
      return { kind: 'setNotNull', column };
    }
    if (hasSet) this.accept(K.data);
    this.expect(K.type);
    const type = this.parseDataType();
    return { kind: 'setType', column, type, using: this.accept(K.using) ? this.parseExpression() : null };
  }

  private parseSetAction(): Bare<AlterAction> {
    if (this.kind === T.leftParenthesis) return { kind: 'setOptions', options: this.parseSettings() };
    if (this.accept(K.param)) return { kind: 'setOptions', options: this.list(() => this.parseSetting()) };
    if (this.accept(K.schema)) return { kind: 'setSchema', schema: this.parseIdentifier('a schema') };
    if (this.accept(K.ttl)) return { kind: 'setTimeToLive', timeToLive: this.parseTimeToLive() };
    if (this.kind === K.cluster) return { kind: 'setClusterBy', columns: this.parseClusterBy() };
    if (this.accept(K.dedup)) return { kind: 'setDedupKeys', keys: this.parseDedupKeys() };
    throw this.unexpected('"(", PARAM, SCHEMA, TTL, CLUSTER BY or DEDUP');
  }

  private parseDedupAction(): Bare<AlterAction> {
    if (this.accept(K.disable)) return { kind: 'setDedupKeys', keys: [] };
    this.accept(K.enable);
    return { kind: 'setDedupKeys', keys: this.parseDedupKeys() };
  }

  // ---- drop and comment ----

  protected parseDrop(): Drop {
    const position = this.position;
    this.expect(K.drop);
    const objectType = this.parseObjectType();
    if (objectType === 'index') this.accept(K.concurrently);
    const ifExists = this.parseIfExists();
    const names = this.list(() => this.parseQualifiedName(`a ${objectType}`));
    return { kind: 'drop', objectType, names, ifExists, cascade: this.parseCascade(), position, end: this.end };
  }

  protected parseComment(): Comment {
    const position = this.position;
    this.expect(K.comment);
    this.expect(K.on);
    const isColumn = this.accept(K.column);
    const objectType = isColumn ? 'column' : this.accept(K.database) ? 'database' : this.parseObjectType();
    const name = this.parseQualifiedName(`a ${objectType}`);
    this.expect(K.is);
    const text = this.accept(K.null) ? null : this.parseString('a string or NULL');
    return { kind: 'comment', objectType, name, text, position, end: this.end };
  }
}
