/**
 * The Arrow Flight server: methods of arrow.flight.protocol.FlightService over grpc-js. Messages pass as bytes; flight-data.ts and messages.ts
 * frame them.
 */

import type { Duplex } from 'node:stream';
import {
  logVerbosity,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  setLogVerbosity,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Engine } from '../core/contracts.js';
import { systemEnvironment } from '../core/environment.js';
import { DbError } from '../core/errors.js';
import type { StopSignal } from '../core/stop-signal.js';
import { doAction, listActions } from './actions.js';
import { type CallEnd, type FlightContext, type ResponseStream, type UnaryCall, withSignal } from './call.js';
import { doGet } from './do-get.js';
import { doPut } from './do-put.js';
import { getFlightInfo, getSchema, listFlights, pollFlightInfo } from './flight-info.js';
import { handshake } from './handshake.js';
import type { FlightOptions, FlightServer } from './server-interface.js';
import { SqlState } from './sql/state.js';
import { statusOf } from './status.js';
import { channelOptions, widenSessions, widenStreams } from './tuning.js';

type Unary = (context: FlightContext, call: UnaryCall, signal: StopSignal) => Promise<Buffer>;
type ServerStream = (context: FlightContext, call: UnaryCall & ResponseStream, signal: StopSignal) => Promise<CallEnd>;
type Bidi = (context: FlightContext, call: Duplex & ResponseStream, signal: StopSignal) => Promise<void>;

type Method =
  | { readonly kind: 'unary'; readonly run: Unary }
  | { readonly kind: 'server-stream'; readonly run: ServerStream }
  | { readonly kind: 'bidi'; readonly run: Bidi };

const METHODS = {
  Handshake: { kind: 'bidi', run: handshake },
  ListFlights: { kind: 'server-stream', run: listFlights },
  GetFlightInfo: { kind: 'unary', run: getFlightInfo },
  PollFlightInfo: { kind: 'unary', run: pollFlightInfo },
  GetSchema: { kind: 'unary', run: getSchema },
  DoGet: { kind: 'server-stream', run: doGet },
  DoPut: { kind: 'bidi', run: doPut },
  DoExchange: { kind: 'bidi', run: doExchange },
  DoAction: { kind: 'server-stream', run: doAction },
  ListActions: { kind: 'server-stream', run: listActions },
} as const satisfies Record<string, Method>;

/** Starts serving; resolves when the port answers. Fails with `io_error` when it cannot be had. */
export async function startFlight(engine: Engine, options: FlightOptions): Promise<FlightServer> {
  const sql = new SqlState(engine.query, options.settings);
  const context = { engine, settings: options.settings, sql };
  // grpc-js writes to stderr what we report as errors ourselves.
  if (systemEnvironment.variables.GRPC_VERBOSITY === undefined) setLogVerbosity(logVerbosity.NONE);
  const server = new Server(channelOptions(Math.min(options.settings.max_body_bytes, 2 ** 31 - 1)));
  server.addService(serviceDefinition(), implementation(context));
  widenStreams(server);
  const port = await bind(server, options);
  widenSessions(server);
  const close = async (drainMs = 0) => {
    await shutdown(server, drainMs);
    await sql.close();
  };
  return { port, notice: null, close };
}

async function doExchange(): Promise<void> {
  throw new DbError('unsupported', 'DoExchange is not served by this version', { hint: 'use DoGet to read and DoPut to write' });
}

function serviceDefinition(): ServiceDefinition {
  const identity = (message: Buffer) => message;
  return Object.fromEntries(
    Object.entries(METHODS).map(([name, { kind }]) => [
      name,
      {
        path: `/arrow.flight.protocol.FlightService/${name}`,
        requestStream: kind === 'bidi',
        responseStream: kind !== 'unary',
        requestSerialize: identity,
        requestDeserialize: identity,
        responseSerialize: identity,
        responseDeserialize: identity,
      },
    ]),
  );
}

function implementation(context: FlightContext): UntypedServiceImplementation {
  return Object.fromEntries(Object.entries(METHODS).map(([name, method]) => [name, handlerOf(context, method)]));
}

type UnaryAnswer = (error: ReturnType<typeof statusOf> | null, answer?: Buffer) => void;

function handlerOf(context: FlightContext, method: Method): UntypedServiceImplementation[string] {
  if (method.kind === 'unary') {
    return ((call: UnaryCall, answer: UnaryAnswer) => {
      withSignal(call, (signal) => method.run(context, call, signal)).then(
        (message) => answer(null, message),
        (error: unknown) => answer(statusOf(error)),
      );
    }) as unknown as UntypedServiceImplementation[string];
  }
  return ((call: UnaryCall & Duplex & ResponseStream) => {
    withSignal<unknown>(call, (signal) => method.run(context, call, signal)).then(
      (end) => {
        if (end !== ('ended' satisfies CallEnd)) call.end();
      },
      (error: unknown) => {
        if (!call.cancelled) call.emit('error', statusOf(error));
      },
    );
  }) as unknown as UntypedServiceImplementation[string];
}

function bind(server: Server, { host, port }: FlightOptions): Promise<number> {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(new DbError('io_error', `Flight cannot listen on ${address}: ${error.message}`, { cause: error }));
    });
  });
}

/** grpc-js waits for calls under way without end, so a timer cuts them. */
function shutdown(server: Server, drainMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.forceShutdown(), drainMs);
    server.tryShutdown(() => {
      clearTimeout(cut);
      resolve();
    });
  });
}
