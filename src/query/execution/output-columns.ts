/** Output columns of plan nodes as execution needs them: their ids, and expressions that read them. */
import type { ColumnExpression, ColumnId, Expression } from '../plan/expression.js';
import type { OutputColumn } from '../plan/logical.js';

export function idsOf(columns: readonly OutputColumn[]): ColumnId[] {
  return columns.map((column) => column.id);
}

export function columnOf(column: OutputColumn): ColumnExpression {
  return { kind: 'column', id: column.id, name: column.name, type: column.type, nullable: column.nullable, position: -1 };
}

export function nullOf(column: OutputColumn): Expression {
  return { kind: 'literal', value: null, type: column.type, nullable: true, position: -1 };
}
