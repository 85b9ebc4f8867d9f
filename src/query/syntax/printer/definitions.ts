/** Syntax tree → canonical SQL: CREATE, ALTER, DROP, COMMENT, and the settings of clauses. */
import type { Expression } from '../ast/query.js';
import type {
  AlterAction,
  AlterTable,
  ColumnConstraint,
  ColumnDefinition,
  Comment,
  CreateIndex,
  CreateTable,
  CreateView,
  Drop,
  ObjectType,
  Setting,
  TableConstraint,
} from '../ast/statement.js';
import { quoteLabel, quoteString } from '../text.js';
import { QueryPrinter } from './queries.js';

const OBJECT_WORDS = {
  table: 'TABLE',
  view: 'VIEW',
  materializedView: 'MATERIALIZED VIEW',
  schema: 'SCHEMA',
  index: 'INDEX',
} as const satisfies Record<ObjectType, string>;

export abstract class DefinitionPrinter extends QueryPrinter {
  // ---- settings ----

  protected settings(settings: readonly Setting[]): string {
    return `(${settings.map((setting) => this.setting(setting)).join(', ')})`;
  }

  protected setting(setting: Setting): string {
    return `${this.settingName(setting.name)}${setting.value === null ? '' : ` = ${this.settingValue(setting.value)}`}`;
  }

  protected settingName(name: string): string {
    return name
      .split('.')
      .map((part) => quoteLabel(part, false))
      .join('.');
  }

  /** A bare word is any word. */
  protected settingValue(value: Expression): string {
    const [word, ...others] = value.kind === 'column' ? value.name : [];
    if (word !== undefined && others.length === 0) return this.label(word);
    return this.quantity(value);
  }

  // ---- create ----

  protected createTable(node: CreateTable): string {
    const elements = [
      ...node.columns.map((column) => this.column(column)),
      ...(node.like === null ? [] : [`LIKE ${this.name(node.like)}`]),
      ...node.constraints.map((constraint) => this.tableConstraint(constraint)),
    ];
    const head = [
      'CREATE',
      node.orReplace ? 'OR REPLACE' : '',
      node.temporary ? 'TEMPORARY' : '',
      'TABLE',
      node.ifNotExists ? 'IF NOT EXISTS' : '',
      this.name(node.name),
      elements.length === 0 ? '' : `(${elements.join(', ')})`,
    ];
    return words(...head, ...this.tableClauses(node));
  }

  private tableClauses(node: CreateTable): string[] {
    return [
      node.query === null ? '' : `AS (${this.query(node.query)})`,
      node.timestamp === null ? '' : `TIMESTAMP(${this.identifier(node.timestamp)})`,
      node.partitionBy === null ? '' : `PARTITION BY ${node.partitionBy.toUpperCase()}`,
      node.clusterBy.length === 0 ? '' : `CLUSTER BY (${this.identifiers(node.clusterBy)})`,
      node.timeToLive === null ? '' : `TTL ${this.quantity(node.timeToLive)}`,
      node.dedupKeys.length === 0 ? '' : `DEDUP KEYS (${this.identifiers(node.dedupKeys)})`,
      node.options.length === 0 ? '' : `WITH ${this.settings(node.options)}`,
      node.withData ? '' : 'WITH NO DATA',
    ];
  }

  protected column(column: ColumnDefinition): string {
    return words(
      this.identifier(column.name),
      column.type === null ? '' : this.type(column.type),
      ...column.options.map((option) => words(option.name.toUpperCase(), option.value === null ? '' : this.expression(option.value))),
      ...column.constraints.map((constraint) => this.columnConstraint(constraint)),
    );
  }

  private columnConstraint(node: ColumnConstraint): string {
    const name = node.name === null ? '' : `CONSTRAINT ${this.identifier(node.name)} `;
    return `${name}${this.columnConstraintBody(node)}`;
  }

  private columnConstraintBody(node: ColumnConstraint): string {
    switch (node.kind) {
      case 'notNull':
        return 'NOT NULL';
      case 'null':
        return 'NULL';
      case 'primaryKey':
        return 'PRIMARY KEY';
      case 'unique':
        return 'UNIQUE';
      case 'default':
        return `DEFAULT ${this.expression(node.value)}`;
      case 'check':
        return `CHECK (${this.expression(node.condition)})`;
      case 'collate':
        return `COLLATE ${this.name(node.collation)}`;
      case 'generated':
        return `GENERATED ALWAYS AS (${this.expression(node.value)})${node.stored ? ' STORED' : ''}`;
      case 'identity':
        return `GENERATED ${node.always ? 'ALWAYS' : 'BY DEFAULT'} AS IDENTITY`;
      case 'references':
        return `REFERENCES ${this.name(node.table)}${node.columns.length === 0 ? '' : ` (${this.identifiers(node.columns)})`}`;
    }
  }

  private tableConstraint(node: TableConstraint): string {
    const name = node.name === null ? '' : `CONSTRAINT ${this.identifier(node.name)} `;
    switch (node.kind) {
      case 'primaryKey':
        return `${name}PRIMARY KEY (${this.identifiers(node.columns)})`;
      case 'unique':
        return `${name}UNIQUE (${this.identifiers(node.columns)})`;
      case 'check':
        return `${name}CHECK (${this.expression(node.condition)})`;
      case 'foreignKey': {
        const target = node.targetColumns.length === 0 ? '' : ` (${this.identifiers(node.targetColumns)})`;
        return `${name}FOREIGN KEY (${this.identifiers(node.columns)}) REFERENCES ${this.name(node.table)}${target}`;
      }
    }
  }

  protected createView(node: CreateView): string {
    return words(
      'CREATE',
      node.orReplace ? 'OR REPLACE' : '',
      node.temporary ? 'TEMPORARY' : '',
      node.materialized ? 'MATERIALIZED VIEW' : 'VIEW',
      node.ifNotExists ? 'IF NOT EXISTS' : '',
      this.name(node.name),
      node.columns.length === 0 ? '' : `(${this.identifiers(node.columns)})`,
      node.options.length === 0 ? '' : `WITH ${this.settings(node.options)}`,
      `AS ${this.query(node.query)}`,
    );
  }

  protected createIndex(node: CreateIndex): string {
    const items = node.items.map((item) => `${this.expression(item.expression)}${this.orderFlags(item)}`);
    return words(
      node.unique ? 'CREATE UNIQUE INDEX' : 'CREATE INDEX',
      node.ifNotExists ? 'IF NOT EXISTS' : '',
      node.name === null ? '' : this.identifier(node.name),
      `ON ${this.name(node.table)}`,
      node.method === null ? '' : `USING ${node.method}`,
      `(${items.join(', ')})`,
      node.options.length === 0 ? '' : `WITH ${this.settings(node.options)}`,
      node.where === null ? '' : `WHERE ${this.expression(node.where)}`,
    );
  }

  // ---- drop, alter, comment ----

  protected drop(node: Drop): string {
    const names = node.names.map((name) => this.name(name)).join(', ');
    return words('DROP', OBJECT_WORDS[node.objectType], node.ifExists ? 'IF EXISTS' : '', names, node.cascade ? 'CASCADE' : '');
  }

  protected alterTable(node: AlterTable): string {
    const actions = node.actions.map((action) => this.alterAction(action)).join(', ');
    return words('ALTER', OBJECT_WORDS[node.objectType], node.ifExists ? 'IF EXISTS' : '', this.name(node.name), actions);
  }

  private alterAction(node: AlterAction): string {
    switch (node.kind) {
      case 'addColumn':
        return words('ADD COLUMN', node.ifNotExists ? 'IF NOT EXISTS' : '', this.column(node.column));
      case 'dropColumn':
        return words('DROP COLUMN', node.ifExists ? 'IF EXISTS' : '', this.identifier(node.column), node.cascade ? 'CASCADE' : '');
      case 'renameColumn':
        return `RENAME COLUMN ${this.identifier(node.column)} TO ${this.identifier(node.to)}`;
      case 'rename':
        return `RENAME TO ${this.identifier(node.to)}`;
      case 'setSchema':
        return `SET SCHEMA ${this.identifier(node.schema)}`;
      case 'addConstraint':
        return `ADD ${this.tableConstraint(node.constraint)}`;
      case 'dropConstraint':
        return words('DROP CONSTRAINT', node.ifExists ? 'IF EXISTS' : '', this.identifier(node.name), node.cascade ? 'CASCADE' : '');
      case 'setOptions':
        return `SET ${this.settings(node.options)}`;
      case 'resetOptions':
        return `RESET (${node.names.map((name) => this.settingName(name)).join(', ')})`;
      case 'setTimeToLive':
        return `SET TTL ${node.timeToLive === null ? 'NONE' : this.quantity(node.timeToLive)}`;
      case 'setDedupKeys':
        return node.keys.length === 0 ? 'DEDUP DISABLE' : `DEDUP ENABLE UPSERT KEYS (${this.identifiers(node.keys)})`;
      case 'setClusterBy':
        return `SET CLUSTER BY (${this.identifiers(node.columns)})`;
      case 'dropPartition':
        return node.where === null
          ? `DROP PARTITION LIST ${this.expressions(node.partitions)}`
          : `DROP PARTITION WHERE ${this.expression(node.where)}`;
      default:
        return this.alterColumn(node);
    }
  }

  private alterColumn(node: Extract<AlterAction, { column: unknown }>): string {
    if (node.kind === 'addColumn') return '';
    const column = `ALTER COLUMN ${this.identifier(node.column)}`;
    switch (node.kind) {
      case 'setType':
        return words(column, 'TYPE', this.type(node.type), node.using === null ? '' : `USING ${this.expression(node.using)}`);
      case 'setDefault':
        return `${column} SET DEFAULT ${this.expression(node.value)}`;
      case 'dropDefault':
        return `${column} DROP DEFAULT`;
      case 'setNotNull':
        return `${column} SET NOT NULL`;
      case 'dropNotNull':
        return `${column} DROP NOT NULL`;
      case 'addIndex':
        return `${column} ADD INDEX`;
      case 'dropIndex':
        return `${column} DROP INDEX`;
      default:
        return '';
    }
  }

  protected comment(node: Comment): string {
    const word =
      node.objectType === 'column' || node.objectType === 'database' ? node.objectType.toUpperCase() : OBJECT_WORDS[node.objectType];
    return `COMMENT ON ${word} ${this.name(node.name)} IS ${node.text === null ? 'NULL' : quoteString(node.text)}`;
  }
}

export function words(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' ');
}
