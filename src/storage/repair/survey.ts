/**
 * Looks at every record and every segment file of a database, one by one, and says what is damaged and which changes of the catalog leave
 * exactly what is sound. Rules:
 *
 *   a segment file, or the record of its deleted rows   the segment goes: its rows cannot be told any more, or not which of them were deleted
 *   a segment's record                                  the segment goes, the file that nobody names is kept aside
 *   a tail record                                       its rows go; all rows of its segment where some are deleted, as those are numbered
 *   a dictionary                                        every segment that uses it goes, and the tail; files have the values in them
 *   the index of a grouped segment                      the segment stays, and is not grouped any more
 *   a table's definition                                the table goes, its files are kept aside
 *   a view, a schema                                    goes
 *   a counter                                           is set anew
 */
import { DbError } from '../../core/errors.js';
import type { CatalogKey, CatalogWrite, SegmentRecord, SharedCatalog, StoreName, TableRecord } from '../catalog/catalog.js';
import { type Damage, tableName, timesOf } from './damage.js';

export interface Survey {
  readonly damages: readonly Damage[];
  /** Makes the catalog one of what is sound. */
  readonly writes: readonly CatalogWrite[];
  /** Files that go with what is damaged. */
  readonly setAside: ReadonlySet<string>;
}

/** Gives what is wrong with a segment's file; undefined: it is sound. */
export type FileCheck = (table: TableRecord, record: SegmentRecord) => Promise<string | undefined>;

interface Examined<Value> {
  readonly key: number[];
  readonly value: Value | null;
}

const TAIL_ROWS_AT = 12;

export async function surveyOf(catalog: SharedCatalog, fileNames: readonly string[], checkFile: FileCheck): Promise<Survey> {
  const surveyor = new Surveyor(catalog, fileNames);
  surveyor.tables();
  surveyor.dictionaries();
  surveyor.segments();
  surveyor.deletions();
  surveyor.clusters();
  surveyor.tails();
  surveyor.orphans();
  surveyor.names();
  await surveyor.files(checkFile);
  surveyor.counters();
  return surveyor;
}

class Surveyor implements Survey {
  readonly damages: Damage[] = [];
  readonly writes: CatalogWrite[] = [];
  readonly setAside = new Set<string>();
  private readonly catalog: SharedCatalog;
  private readonly fileNames: readonly string[];
  private readonly known = new Map<number, TableRecord>();
  private readonly segmentRecords = new Map<string, { table: TableRecord; record: SegmentRecord }>();
  /** Segments that are gone, sealed or not, and tables whose tail is. */
  private readonly gone = new Set<string>();
  private readonly goneTails = new Set<number>();
  private readonly goneDictionaries = new Set<string>();
  private newestCommit = 0;

  constructor(catalog: SharedCatalog, fileNames: readonly string[]) {
    this.catalog = catalog;
    this.fileNames = fileNames;
  }

  tables(): void {
    for (const { key, value } of this.records<TableRecord>('table')) {
      const [id = -1] = key;
      if (value !== null) this.known.set(id, value);
      else {
        this.writes.push({ store: 'table', key, remove: true });
        this.note(`table number ${id}`, 'its definition', null);
      }
    }
  }

  segments(): void {
    for (const { key, value } of this.records<SegmentRecord>('segment')) {
      const table = this.known.get(key[0] ?? -1);
      if (table === undefined) continue;
      const text = idOf(key);
      if (value !== null) this.segmentRecords.set(text, { table, record: value });
      else {
        this.removeSegment(key);
        this.note(tableName(table), `the record of segment ${text}`, null);
      }
    }
    for (const [text, { table, record }] of this.segmentRecords) {
      const damaged = record.columns.find(({ id, dictionary }) => dictionary && this.goneDictionaries.has(`${table.id}-${id}`));
      if (damaged !== undefined) this.loseSegment(text, 'a dictionary that it uses is damaged; its file is whole, fletch import reads it');
    }
  }

  dictionaries(): void {
    for (const { key, value } of this.bytes('dictionary')) {
      const [tableId = -1, columnId = -1] = key;
      const table = this.known.get(tableId);
      const text = `${tableId}-${columnId}`;
      if (table === undefined || value !== null || this.goneDictionaries.has(text)) continue;
      this.goneDictionaries.add(text);
      this.goneTails.add(tableId);
      const column = table.definition.columns.find(({ id }) => id === columnId)?.name ?? `number ${columnId}`;
      this.note(tableName(table), `the dictionary of column "${column}"`, 0);
    }
    for (const { key } of this.bytes('dictionary'))
      if (this.goneDictionaries.has(`${key[0]}-${key[1]}`)) this.writes.push({ store: 'dictionary', key, remove: true });
  }

  deletions(): void {
    for (const { key, value } of this.bytes('deletion')) {
      const table = this.known.get(key[0] ?? -1);
      if (table === undefined || value !== null) continue;
      const text = idOf(key);
      if (this.segmentRecords.has(text)) this.loseSegment(text, 'which of its rows are deleted is damaged');
      else {
        this.gone.add(text);
        this.writes.push({ store: 'deletion', key, remove: true });
      }
    }
  }

  clusters(): void {
    for (const { key, value } of this.bytes('cluster')) {
      const found = this.segmentRecords.get(idOf(key));
      if (found === undefined || value !== null || this.gone.has(idOf(key))) continue;
      const { cluster: _, ...record } = { ...found.record, sorted: false };
      this.writes.push({ store: 'cluster', key, remove: true }, { store: 'segment', key, value: record });
      this.segmentRecords.set(idOf(key), { ...found, record });
      this.note(tableName(found.table), `the index of segment ${idOf(key)}`, 0);
    }
  }

  tails(): void {
    const deleted = new Set([...this.bytes('deletion')].map(({ key }) => idOf(key)));
    const tails = [...this.tailRecords()];
    for (const { id, rows } of tails) if (rows === null && deleted.has(id)) this.gone.add(id);
    const lost = new Map<string, { table: TableRecord; rows: number | null }>();
    for (const { key, id, table, rows } of tails) {
      const isGone = rows === null || this.gone.has(id) || this.goneTails.has(table.id);
      this.newestCommit = Math.max(this.newestCommit, key[2] ?? 0);
      if (!isGone) continue;
      this.writes.push({ store: 'tail', key, remove: true });
      const before = lost.get(id)?.rows;
      lost.set(id, { table, rows: rows === null || before === null ? null : rows + (before ?? 0) });
      if (deleted.has(id)) this.gone.add(id);
    }
    for (const [id, { table, rows }] of lost) this.note(tableName(table), `rows of the unsealed segment ${id}`, rows);
    for (const id of lost.keys())
      if (this.gone.has(id)) this.writes.push({ store: 'deletion', key: id.split('-').map(Number), remove: true });
  }

  /** Records of tables that are not known. */
  orphans(): void {
    for (const store of ['segment', 'dictionary', 'deletion', 'cluster', 'tail'] as const) {
      for (const { key } of this.bytes(store)) {
        if (!this.known.has(key[0] ?? -1)) this.writes.push({ store, key, remove: true });
      }
    }
  }

  names(): void {
    for (const store of ['view', 'schema'] as const) {
      for (const { key, value } of this.catalog.examine(store)) {
        if (value !== null && parsed(value) !== null) continue;
        this.writes.push({ store, key, remove: true });
        this.note(null, `${store} "${String(key)}"`, 0);
      }
    }
  }

  async files(checkFile: FileCheck): Promise<void> {
    for (const [id, { table, record }] of this.segmentRecords) {
      if (this.gone.has(id)) continue;
      const failure = await checkFile(table, record);
      if (failure !== undefined) this.loseSegment(id, failure);
    }
    if (this.damages.length === 0) return;
    // The next opening removes files that nobody names; these may be all that is left of something.
    const named = new Set([...this.segmentRecords].flatMap(([id, { record }]) => (this.gone.has(id) ? [] : [record.file])));
    for (const name of this.fileNames) if (!named.has(name)) this.setAside.add(name);
  }

  counters(): void {
    for (const { key, value } of this.catalog.examine('meta')) {
      if (value !== null && typeof parsed(value) === 'number') continue;
      const name = String(key);
      if (name === 'format') throw new DbError('corrupt', 'the catalog does not say of which format it is', { hint: RESTORE });
      // A number that was used must not come again.
      const next = name === 'sequence' ? this.newestCommit + 1_000_000 : Math.max(0, ...this.known.keys()) + 1000;
      this.writes.push({ store: 'meta', key: name, value: next });
      this.note(null, `the counter "${name}"`, 0);
    }
  }

  private *tailRecords(): Iterable<{ key: number[]; id: string; table: TableRecord; rows: number | null }> {
    for (const { key, value } of this.bytes('tail')) {
      const table = this.known.get(key[0] ?? -1);
      if (table !== undefined) yield { key, id: idOf(key), table, rows: value === null ? null : value.readUInt32LE(TAIL_ROWS_AT) };
    }
  }

  private loseSegment(id: string, why: string): void {
    const found = this.segmentRecords.get(id);
    if (found === undefined || this.gone.has(id)) return;
    const { table, record } = found;
    this.removeSegment([table.id, record.id]);
    if (record.file !== '') this.setAside.add(record.file);
    this.damages.push({
      table: tableName(table),
      what: why,
      rows: record.rows - record.deleted,
      times: timesOf(table, record),
      file: record.file,
    });
  }

  private removeSegment(key: number[]): void {
    this.gone.add(idOf(key));
    for (const store of ['segment', 'deletion', 'cluster'] as const) this.writes.push({ store, key: key.slice(0, 2), remove: true });
  }

  private note(table: string | null, what: string, rows: number | null): void {
    this.damages.push({ table, what: `${what} is damaged`, rows, times: null, file: null });
  }

  private *bytes(store: StoreName): Iterable<Examined<Buffer>> {
    for (const { key, value } of this.catalog.examine(store)) yield { key: numbersOf(key), value };
  }

  private *records<Value>(store: StoreName): Iterable<Examined<Value>> {
    for (const { key, value } of this.bytes(store)) yield { key, value: value === null ? null : (parsed(value) as Value | null) };
  }
}

const RESTORE = 'restore the database from a backup; the files of segments/ are Arrow files that fletch import reads';

const idOf = (key: readonly number[]): string => `${key[0]}-${key[1]}`;
const numbersOf = (key: CatalogKey): number[] => (typeof key === 'string' ? [] : key);

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
