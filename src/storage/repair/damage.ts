/** What is damaged in a database, what a repair does about it, and how people read that. */

import { UNITS_PER_SECOND } from '../../core/types.js';
import type { SegmentRecord, TableRecord } from '../catalog/catalog.js';
import { loadBound } from '../columns/zone-map.js';

export interface Damage {
  /** null: it is of no table. */
  readonly table: string | null;
  /** What is damaged, and how. */
  readonly what: string;
  /** Rows that are lost with it; null: nobody knows how many. */
  readonly rows: number | null;
  /** Times of those rows, first and last; null: nobody knows, or the table has no designated timestamp. */
  readonly times: readonly [from: string, to: string] | null;
  /** Segment file that is set aside. */
  readonly file: string | null;
}

export function tableName({ definition }: TableRecord): string {
  return definition.schema === undefined ? definition.name : `${definition.schema}.${definition.name}`;
}

/** First and last designated timestamp of a segment, as ISO text. */
export function timesOf({ definition }: TableRecord, record: SegmentRecord): readonly [string, string] | null {
  const column = definition.columns[definition.timestampColumn ?? -1];
  const zone = record.columns.find(({ id }) => id === column?.id)?.zone;
  if (column?.type.kind !== 'timestamp' || zone === undefined) return null;
  const perSecond = UNITS_PER_SECOND[column.type.unit];
  const text = (bound: ReturnType<typeof loadBound>): string | undefined => {
    if (typeof bound !== 'bigint') return undefined;
    const time = new Date(Number((bound * 1000n) / perSecond));
    return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
  };
  const [from, to] = [text(loadBound(zone[1])), text(loadBound(zone[2]))];
  return from === undefined || to === undefined ? null : [from, to];
}

/** One line for people. */
export function damageText({ table, what, rows, times, file }: Damage): string {
  const lost = rows === null ? 'an unknown number of rows' : rows === 0 ? 'no rows' : `${rows} ${rows === 1 ? 'row' : 'rows'}`;
  const when = times === null ? '' : `, ${times[0]} to ${times[1]}`;
  const aside = file === null ? '' : `; ${file} is set aside`;
  return `${table === null ? '' : `${table}: `}${what}: ${lost}${when}${aside}`;
}
