/** Stands in for the Flight server where Flight is turned off or gRPC is not installed: starts nothing and says how to turn it on. */
import type { Engine } from '../core/contracts.js';
import type { FlightOptions, FlightServer } from './server-interface.js';

const NOTICES = {
  disabled: 'Arrow Flight is off. Start without --no-flight (FLETCH_FLIGHT=true, or flight = true in the configuration) to turn it on.',
  'not-installed': 'Arrow Flight is off because the package @grpc/grpc-js is not installed. Run `npm install @grpc/grpc-js` to turn it on.',
} as const;

export type StubReason = keyof typeof NOTICES;

export async function startFlight(_engine: Engine, options: FlightOptions & { readonly reason?: StubReason }): Promise<FlightServer> {
  return { port: null, notice: NOTICES[options.reason ?? 'disabled'], close: async () => undefined };
}
