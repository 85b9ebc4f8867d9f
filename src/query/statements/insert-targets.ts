/** The columns that the values of an INSERT go into. */
import type { ColumnDefinition, TableDefinition } from '../../core/contracts.js';
import { DbError } from '../../core/errors.js';
import { didYouMean } from '../binder/nearest-name.js';
import type { Identifier } from '../syntax/ast/node.js';

/** In the order of the values; without names the first `width` columns. `position` is that of the values. */
export function targetColumns(
  names: readonly Identifier[],
  definition: TableDefinition,
  width: number,
  position: number | undefined,
): readonly ColumnDefinition[] {
  const { columns } = definition;
  if (names.length === 0) {
    if (width > columns.length) {
      throw new DbError('type_mismatch', `table ${definition.name} has ${columns.length} columns, ${width} values are given`, { position });
    }
    return columns.slice(0, width);
  }
  const targets = names.map((name) => columnNamed(name, definition));
  const twice = targets.findIndex((column, i) => targets.indexOf(column) < i);
  if (twice >= 0) {
    throw new DbError('syntax_error', `column ${targets[twice]?.name} is named twice`, { position: names[twice]?.position });
  }
  if (targets.length !== width) {
    throw new DbError('type_mismatch', `${targets.length} columns are named, ${width} values are given`, { position });
  }
  return targets;
}

/** Fails with `column_not_found`. */
export function columnNamed(
  name: Pick<Identifier, 'name'> & { readonly position?: number | undefined },
  definition: TableDefinition,
): ColumnDefinition {
  const column = definition.columns.find((each) => each.name.toLowerCase() === name.name.toLowerCase());
  if (column) return column;
  throw new DbError('column_not_found', `table ${definition.name} has no column ${name.name}`, {
    position: name.position,
    hint: didYouMean(
      name.name,
      definition.columns.map((each) => each.name),
    ),
  });
}
