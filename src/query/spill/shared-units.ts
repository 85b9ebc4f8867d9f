/** Units that are dear to open: what reads one of them piece by piece opens it once. */
import type { QueryRun } from '../execution/query-run.js';
import type { OpenUnit, SourceUnit } from '../execution/sources.js';

/** An open unit, and how many use it. */
interface Shared {
  readonly opening: Promise<OpenUnit>;
  unit: OpenUnit | null;
  users: number;
}

/** The same units. One that nobody uses stays open until another one is opened or memory is short, at most until the run's end. */
export function sharedUnits(units: readonly SourceUnit[], run: QueryRun): SourceUnit[] {
  const open = new Map<SourceUnit, Shared>();
  const closeIdle = (): void => {
    for (const [key, { unit, users }] of open) {
      if (users > 0 || unit === null) continue;
      open.delete(key);
      unit.release();
    }
  };
  run.idle.add(closeIdle);
  return units.map((unit) => ({
    ...unit,
    open: async (signal) => {
      let shared = open.get(unit);
      if (!shared) {
        closeIdle();
        shared = { opening: unit.open(signal), unit: null, users: 0 };
        open.set(unit, shared);
      }
      const own = shared;
      own.users += 1;
      try {
        own.unit = await own.opening;
      } catch (error) {
        open.delete(unit);
        throw error;
      }
      const { piece, first, end } = own.unit;
      return { piece, first, end, release: () => void (own.users -= 1) };
    },
  }));
}
