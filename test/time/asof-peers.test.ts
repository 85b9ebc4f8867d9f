/** ASOF joins against DuckDB and Polars, where they can say the same: times of the right side that are all different. */
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EMBEDDED } from '../../src/core/principal.js';
import { settingsWith } from '../../src/core/settings.js';
import { valueAt } from '../../src/core/values.js';
import { type OpenEngine, openDatabase } from '../../src/database.js';
import { Random } from '../differential/random.js';
import { pythonPath } from '../e2e/server.js';

const DIRECTIONS = ['>=', '>', '<=', '<', 'NEAREST'] as const;

interface Row {
  readonly ts: number;
  readonly sym: string;
}

interface Case {
  readonly direction: (typeof DIRECTIONS)[number];
  readonly keyed: boolean;
  readonly tolerance: number | null;
}

/** Left rows by number, with the number of their right row: from DuckDB where it can say it, and from Polars. */
const SCRIPT = `
import json, sys
import duckdb, polars as pl
left, right, cases = json.load(sys.stdin)
frame = lambda rows, name: pl.DataFrame({"ts": [r["ts"] for r in rows], "sym": [r["sym"] for r in rows], name: list(range(len(rows)))})
l, r = frame(left, "l"), frame(right, "r")
con = duckdb.connect()
con.register("l", l.to_arrow()); con.register("r", r.to_arrow())
strategy = {">=": "backward", ">": "backward", "<=": "forward", "<": "forward", "NEAREST": "nearest"}
out = []
for c in cases:
    peers = {}
    if c["direction"] != "NEAREST" and c["tolerance"] is None:
        on = ("l.sym = r.sym AND " if c["keyed"] else "") + "l.ts " + c["direction"] + " r.ts"
        peers["duckdb"] = con.execute(f"SELECT l.l, r.r FROM l ASOF LEFT JOIN r ON {on} ORDER BY l.l").fetchall()
    joined = l.sort("ts").join_asof(r.sort("ts"), on="ts", by="sym" if c["keyed"] else None, strategy=strategy[c["direction"]],
                                    tolerance=c["tolerance"], allow_exact_matches=c["direction"] not in (">", "<"), check_sortedness=False)
    peers["polars"] = joined.sort("l").select("l", "r").rows()
    out.append(peers)
json.dump(out, sys.stdout)
`;

function distance(a: Row | undefined, b: Row | undefined): number | null {
  return a && b ? Math.abs(a.ts - b.ts) : null;
}

let engine: OpenEngine;
beforeAll(async () => {
  engine = await openDatabase(settingsWith({ path: ':memory:', memory_limit: '256MB', segment_rows: 1024 }), { workerThreads: 0 });
});
afterAll(() => engine.close());

async function query(sql: string): Promise<(number | null)[][]> {
  const result = await engine.query.execute({ sql, principal: EMBEDDED, settings: { vector_rows: 128 } });
  const rows: (number | null)[][] = [];
  for await (const batch of result.batches) {
    for (let i = 0; i < batch.rowCount; i++) rows.push(batch.columns.map((column) => valueAt(engine.arena, column, i) as number | null));
    batch.release();
  }
  return rows;
}

test.each([1, 2])(
  'every direction, with and without keys and tolerance, is what DuckDB and Polars say, seed %i',
  async (seed) => {
    const random = new Random(seed);
    const row = (ts: number): Row => ({ ts, sym: random.pick(['A', 'B', 'C', 'D']) });
    const right = random
      .sample(
        Array.from({ length: 4000 }, (_, i) => i * 4),
        1800,
      )
      .map(row);
    const left = Array.from({ length: 900 }, () => row(random.whole(0, 3999) * 4 + random.pick([0, 1, 3])));
    const cases = DIRECTIONS.flatMap((direction) =>
      [true, false].flatMap((keyed) => [null, 12].map((tolerance): Case => ({ direction, keyed, tolerance }))),
    );
    const input = JSON.stringify([left, right, cases]);
    const answers = JSON.parse(execFileSync(pythonPath(), ['-c', SCRIPT], { input, encoding: 'utf8' })) as Record<string, number[][]>[];
    for (const [name, rows] of [
      ['l', left],
      ['r', right],
    ] as const) {
      await query(`CREATE OR REPLACE TABLE ${name} (id INT, ts INT, sym SYMBOL)`);
      await query(`INSERT INTO ${name} VALUES ${rows.map(({ ts, sym }, id) => `(${id}, ${ts}, '${sym}')`).join(', ')}`);
    }
    for (const [i, { direction, keyed, tolerance }] of cases.entries()) {
      const within = tolerance === null ? '' : ` TOLERANCE ${tolerance}`;
      const sql = `SELECT l.id, r.id FROM l ASOF LEFT JOIN r ON ${keyed ? 'l.sym = r.sym AND ' : ''}l.ts ${direction} r.ts${within}`;
      // Of two equally near rows, Polars takes another one.
      const shown = (list: (number | null)[][]) =>
        direction === 'NEAREST' ? list.map(([l, r]) => distance(left[l ?? -1], right[r ?? -1])) : list;
      const own = shown(await query(sql));
      for (const [peer, found] of Object.entries(answers[i] ?? {})) expect(shown(found), `${peer}: ${sql}`).toEqual(own);
    }
    expect(answers.flatMap((each) => Object.keys(each))).toHaveLength(28);
  },
  60_000,
);
