/** A running server: the database behind HTTP and Flight (or Flight's stub). */

import type { Settings } from './core/settings.js';
import { type OpenEngine, openDatabase } from './database.js';
import type { FlightServer } from './flight/server-interface.js';
import { startHttp } from './http/server.js';

export interface RunningServer {
  readonly engine: OpenEngine;
  readonly httpPort: number;
  /** null when Flight is off. */
  readonly flightPort: number | null;
  /** Stops accepting, lets running requests end for up to drainMs, then closes the database. */
  close(drainMs?: number): Promise<void>;
}

/** Opens the database and its doors; resolves when all of them answer. */
export async function startServer(settings: Settings): Promise<RunningServer> {
  const engine = await openDatabase(settings);
  if (settings.demo) await (await import('./demo/flights.js')).loadDemo(engine);
  const http = await startHttp(engine, { host: settings.host, port: settings.http_port, settings });
  const flight = await startFlightOrStub(engine, settings);
  const close = async (drainMs = settings.drain_timeout_ms) => {
    await Promise.all([http.close(drainMs), flight.close(drainMs)]);
    await engine.close();
  };
  return { engine, httpPort: http.port, flightPort: flight.port, close };
}

/** Flight is loaded only when it is wanted; without it (or without gRPC installed) the stub stands in and says so. */
export async function startFlightOrStub(
  engine: OpenEngine,
  settings: Settings,
  port: number = settings.flight_port,
): Promise<FlightServer> {
  const options = { host: settings.host, port, settings };
  const { startFlight: startStub } = await import('./flight/stub.js');
  if (!settings.flight) return startStub(engine, { ...options, reason: 'disabled' });
  try {
    const { startFlight } = await import('./flight/server.js');
    return await startFlight(engine, options);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    return startStub(engine, { ...options, reason: 'not-installed' });
  }
}
