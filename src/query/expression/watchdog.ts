/**
 * Some patterns (back-references, lookaround, letters of either case beyond ASCII) cannot be matched in linear time: on a hostile text they would
 * hold a thread for ever, and nothing could cancel the query. They run under V8's watchdog, which ends them after a while. Only what touches
 * no shared memory but for reading may run so: the watchdog stops it anywhere.
 */
import { createContext, Script } from 'node:vm';
import { DbError } from '../../core/errors.js';
import type { MoveContext } from './gather.js';

/** Time of the first try at a value, which doubles while a value takes longer, up to the last. */
const FIRST_MS = 50;
const LAST_MS = 200;

class NeedsWatchdog extends Error {}

interface Sandbox {
  steps: () => void;
}

let sandbox: Sandbox | undefined;
let script: Script | undefined;
let isWatched = false;

/** Called before a match that may backtrack without end; what runs under withWatchdog() is begun anew under the watchdog. */
export function needWatchdog(): void {
  if (!isWatched) throw new NeedsWatchdog();
}

/** Work that goes on where it was stopped when it is called again. */
interface Resumable {
  /** Under the watchdog it need not return to let others look at the clock. */
  run(isWatched: boolean): void;
  /** Grows as the work is done. */
  progress(): number;
}

/**
 * Runs work once, under the watchdog when it turns out to need that, or when `watched` says that it did before. Returns whether it did. Fails with
 * `invalid_value` when one step takes too long, or as context.check does.
 */
export function withWatchdog(work: Resumable, watched: boolean, context: MoveContext): boolean {
  if (!watched) {
    try {
      work.run(false);
      return false;
    } catch (error) {
      if (!(error instanceof NeedsWatchdog)) throw error;
    }
  }
  for (let milliseconds = FIRST_MS; ; ) {
    const before = work.progress();
    if (endsWithin(() => work.run(true), milliseconds)) return true;
    context.check?.();
    milliseconds = work.progress() > before ? FIRST_MS : milliseconds * 2;
    if (milliseconds > LAST_MS) {
      throw new DbError('invalid_value', 'the regular expression takes too long on one text', {
        hint: 'back-references, lookaround and nested repetitions may need time that grows without bounds',
      });
    }
  }
}

function endsWithin(steps: () => void, milliseconds: number): boolean {
  sandbox ??= createContext({ steps }) as unknown as Sandbox;
  script ??= new Script('steps()');
  sandbox.steps = steps;
  isWatched = true;
  try {
    script.runInContext(sandbox as unknown as Parameters<Script['runInContext']>[0], { timeout: milliseconds });
    return true;
  } catch (error) {
    // It may come from the other context, so it is no Error of ours.
    if ((error as NodeJS.ErrnoException | null)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return false;
    throw error;
  } finally {
    isWatched = false;
  }
}
