/** Names of an incoming body against the columns of a table. */
import { DbError } from '../../core/errors.js';
import { nearestName } from '../../core/nearest-name.js';
import type { Field } from '../../core/types.js';

/** What rows are read into: the columns of a table that exists, or types still to be found. */
export interface IngestTarget {
  readonly table: string;
  /** undefined: the table is new, types are inferred. */
  readonly columns: readonly Field[] | undefined;
}

/** The field of each name. Fails with `column_not_found` before anything is read. */
export function matchColumns(target: IngestTarget, names: readonly string[], place: string): readonly Field[] | undefined {
  const seen = new Set<string>();
  for (const name of names) {
    if (name === '') throw new DbError('invalid_data', `${place}: a column has no name`);
    if (seen.has(name.toLowerCase())) throw new DbError('invalid_data', `${place}: two columns are called ${name}`);
    seen.add(name.toLowerCase());
  }
  return target.columns && names.map((name) => fieldNamed(target, name, place));
}

export function fieldNamed(target: IngestTarget, name: string, place: string): Field {
  const columns = target.columns ?? [];
  const field = columns.find((column) => column.name.toLowerCase() === name.toLowerCase());
  if (field) return field;
  const nearest = nearestName(
    name,
    columns.map((column) => column.name),
  );
  throw new DbError('column_not_found', `${place}: table ${target.table} has no column ${name}`, {
    hint: nearest === undefined ? `its columns: ${columns.map((column) => column.name).join(', ')}` : `did you mean ${nearest}?`,
  });
}
