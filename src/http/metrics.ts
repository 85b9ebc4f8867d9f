/** The one table of metrics, and their registry. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Engine, StorageStatistics } from '../core/contracts.js';

interface MetricRow {
  readonly type: 'counter' | 'histogram' | 'gauge';
  readonly help: string;
  readonly labels?: readonly string[];
  /** Gauges are read when they are asked for. */
  readonly read?: (engine: Engine) => number;
  /** By the value of the only label. */
  readonly readByLabel?: (engine: Engine) => readonly (readonly [string, number])[];
}

function writeAmplification({ sealedBytes, compactedBytes }: StorageStatistics): number {
  return sealedBytes === 0 ? 1 : (sealedBytes + compactedBytes) / sealedBytes;
}

export const METRICS = {
  fletchdb_queries_total: {
    type: 'counter',
    labels: ['kind', 'code'],
    help: 'Statements over HTTP by kind and result (ok or an error code).',
  },
  fletchdb_query_seconds: { type: 'histogram', help: 'Seconds from the request to the last byte handed to the socket.' },
  fletchdb_rows_returned_total: { type: 'counter', help: 'Rows of results sent over HTTP.' },
  fletchdb_bytes_returned_total: { type: 'counter', help: 'Bytes of results sent over HTTP, before compression.' },
  fletchdb_rows_ingested_total: { type: 'counter', help: 'Rows committed by HTTP ingest.' },
  fletchdb_bytes_ingested_total: { type: 'counter', help: 'Bytes read by HTTP ingest, after decompression.' },
  fletchdb_ingests_total: { type: 'counter', labels: ['format', 'code'], help: 'HTTP ingest requests by format and result.' },
  fletchdb_running_queries: { type: 'gauge', help: 'Queries that run or wait now.', read: (engine) => engine.query.running().length },
  fletchdb_arena_bytes: { type: 'gauge', help: 'Bytes of the arena in use.', read: (engine) => engine.arena.usedBytes },
  fletchdb_arena_peak_bytes: { type: 'gauge', help: 'Most bytes of the arena that were in use.', read: (engine) => engine.arena.peakBytes },
  fletchdb_arena_limit_bytes: { type: 'gauge', help: 'memory_limit.', read: (engine) => engine.arena.limitBytes },
  fletchdb_tables: { type: 'gauge', help: 'Tables.', read: (engine) => engine.storage.statistics().tables },
  fletchdb_rows: { type: 'gauge', help: 'Rows of all tables.', read: (engine) => engine.storage.statistics().rows },
  fletchdb_segments: { type: 'gauge', help: 'Segments.', read: (engine) => engine.storage.statistics().segments },
  fletchdb_sealed_segments: { type: 'gauge', help: 'Sealed segments.', read: (engine) => engine.storage.statistics().sealedSegments },
  fletchdb_segments_by_level: {
    type: 'gauge',
    labels: ['level'],
    help: 'Sealed segments by how often compaction has written their rows anew.',
    readByLabel: (engine) => engine.storage.statistics().segmentsByLevel.map((count, level) => [String(level), count]),
  },
  fletchdb_sealed_bytes_total: {
    type: 'gauge',
    help: 'Bytes of segment files written by sealing and loading since the start.',
    read: (engine) => engine.storage.statistics().sealedBytes,
  },
  fletchdb_compacted_bytes_total: {
    type: 'gauge',
    help: 'Bytes of segment files written by compaction since the start.',
    read: (engine) => engine.storage.statistics().compactedBytes,
  },
  fletchdb_compactions_total: {
    type: 'gauge',
    help: 'Merges of segments since the start.',
    read: (engine) => engine.storage.statistics().compactions,
  },
  fletchdb_write_amplification: {
    type: 'gauge',
    help: 'Bytes of segment files written for each byte that sealing and loading wrote, since the start; 1 when nothing was sealed.',
    read: (engine) => writeAmplification(engine.storage.statistics()),
  },
  fletchdb_disk_bytes: { type: 'gauge', help: 'Bytes of sealed files.', read: (engine) => engine.storage.statistics().diskBytes },
  fletchdb_cached_bytes: {
    type: 'gauge',
    help: 'Bytes of columns held in memory.',
    read: (engine) => engine.storage.statistics().cachedBytes,
  },
  fletchdb_read_only_tables: {
    type: 'gauge',
    help: 'Tables that take no writes since a file of theirs could not be written or synced.',
    read: (engine) => engine.storage.statistics().readOnlyTables,
  },
  fletchdb_durability: {
    type: 'gauge',
    labels: ['level'],
    help: 'Level of durability at which commits of rows are acknowledged: 1 for the one that is set.',
    readByLabel: (engine) => [[engine.storage.statistics().durability, 1]],
  },
  fletchdb_waiting_bytes: {
    type: 'gauge',
    help: 'Bytes of commits that are acknowledged and not on disk yet (durability group, memory).',
    read: (engine) => engine.storage.statistics().waitingBytes,
  },
  fletchdb_commits_total: {
    type: 'gauge',
    help: 'Commits since the database was made.',
    read: (engine) => engine.storage.statistics().commits,
  },
} as const satisfies Record<string, MetricRow>;

export type MetricName = keyof typeof METRICS;

const SECONDS_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export class Metrics {
  private readonly registry = new Registry();
  private readonly counters = new Map<string, Counter>();
  private readonly histograms = new Map<string, Histogram>();

  constructor(engine: Engine) {
    collectDefaultMetrics({ register: this.registry });
    for (const [name, row] of Object.entries(METRICS) as [MetricName, MetricRow][]) {
      const common = { name, help: row.help, labelNames: [...(row.labels ?? [])], registers: [this.registry] };
      if (row.type === 'counter') this.counters.set(name, new Counter(common));
      else if (row.type === 'histogram') this.histograms.set(name, new Histogram({ ...common, buckets: SECONDS_BUCKETS }));
      else registerGauge(common, engine, row);
    }
  }

  count(name: MetricName, amount = 1, labels: Record<string, string> = {}): void {
    this.counters.get(name)?.inc(labels, amount);
  }

  observe(name: MetricName, value: number): void {
    this.histograms.get(name)?.observe(value);
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }
}

function registerGauge(
  common: { name: string; help: string; labelNames: string[]; registers: Registry[] },
  engine: Engine,
  row: MetricRow,
): void {
  new Gauge({
    ...common,
    collect() {
      const [label] = row.labels ?? [];
      if (label === undefined || row.readByLabel === undefined) {
        this.set(row.read?.(engine) ?? 0);
        return;
      }
      this.reset();
      for (const [value, count] of row.readByLabel(engine)) this.set({ [label]: value }, count);
    },
  });
}
