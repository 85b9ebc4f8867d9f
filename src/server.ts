/** A running server: the database behind HTTP and Flight (or Flight's stub). */

import { DbError } from './core/errors.js';
import type { Settings } from './core/settings.js';
import { type OpenEngine, openDatabase } from './database.js';
import type { FlightServer } from './flight/server-interface.js';
import { assertMayListen } from './http/access-guard.js';
import { type HttpServer, startHttp } from './http/server.js';

/** What answers to other processes. Ports are null for doors that are shut. */
export interface Doors {
  readonly httpPort: number | null;
  readonly flightPort: number | null;
  /** Stops accepting and lets running requests end for up to drainMs. */
  close(drainMs?: number): Promise<void>;
}

export interface RunningServer {
  readonly engine: OpenEngine;
  readonly httpPort: number;
  /** null when Flight is off. */
  readonly flightPort: number | null;
  /** Stops accepting, lets running requests end for up to drainMs, then closes the database. */
  close(drainMs?: number): Promise<void>;
}

/** Ports of the doors; null leaves one shut, 0 picks a free port. */
export interface DoorPorts {
  readonly http: number | null;
  readonly flight: number | null;
}

/** Opens the database and its doors; resolves when all of them answer. When one cannot be opened, everything is closed again. */
export async function startServer(settings: Settings): Promise<RunningServer> {
  const engine = await openDatabase(settings);
  try {
    if (settings.demo) await (await import('./demo/flights.js')).loadDemo(engine);
    const doors = await openDoors(engine, settings, { http: settings.http_port, flight: settings.flight_port });
    const close = async (drainMs?: number) => {
      await doors.close(drainMs);
      await engine.close();
    };
    return { engine, httpPort: doors.httpPort ?? settings.http_port, flightPort: doors.flightPort, close };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

/** Fails with `invalid_argument` for an address that others reach, and with `io_error` for a port that is taken; then nothing stays open. */
export async function openDoors(engine: OpenEngine, settings: Settings, ports: DoorPorts): Promise<Doors> {
  const { host } = settings;
  assertMayListen(host, settings.insecure);
  const http = ports.http === null ? undefined : await namingSetting('http_port', startHttp(engine, { host, port: ports.http, settings }));
  let flight: FlightServer | undefined;
  try {
    if (ports.flight !== null) flight = await namingSetting('flight_port', startFlightOrStub(engine, settings, ports.flight));
  } catch (error) {
    await http?.close(0);
    throw error;
  }
  return {
    httpPort: http?.port ?? null,
    flightPort: flight?.port ?? null,
    close: (drainMs = settings.drain_timeout_ms) => closeBoth(http, flight, drainMs),
  };
}

async function closeBoth(http: HttpServer | undefined, flight: FlightServer | undefined, drainMs: number): Promise<void> {
  await Promise.all([http?.close(drainMs), flight?.close(drainMs)]);
}

/** A port that cannot be had is an error that says where it was set. */
async function namingSetting<Server>(setting: 'http_port' | 'flight_port', starting: Promise<Server>): Promise<Server> {
  try {
    return await starting;
  } catch (error) {
    if (!(error instanceof DbError) || error.code !== 'io_error') throw error;
    const flag = setting.replace('_', '-');
    throw new DbError('io_error', error.message, { hint: `choose another ${setting} (--${flag}); 0 picks a free port`, cause: error });
  }
}

/** Flight is loaded only when it is wanted; without it (or without gRPC installed) the stub stands in and says so. */
async function startFlightOrStub(engine: OpenEngine, settings: Settings, port: number): Promise<FlightServer> {
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
