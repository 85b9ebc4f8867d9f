/** What the Flight server and its stub have in common. */
import type { Settings } from '../core/settings.js';

export interface FlightOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly settings: Settings;
}

export interface FlightServer {
  /** null when Flight is off. */
  readonly port: number | null;
  /** How to turn Flight on, when it is off. */
  readonly notice: string | null;
  /** Stops accepting; calls under way may end for up to drainMs, then they are cut. */
  close(drainMs?: number): Promise<void>;
}
