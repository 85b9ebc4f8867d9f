/** Handshake: while no users are configured, everyone is let in. Basic and legacy clients both get the answer that they wait for. */
import type { Duplex } from 'node:stream';
import { Metadata } from '@grpc/grpc-js';
import type { FlightContext, ResponseStream } from './call.js';

export async function handshake(_context: FlightContext, call: Duplex & ResponseStream): Promise<void> {
  const metadata = new Metadata();
  metadata.set('authorization', 'Bearer anonymous');
  call.sendMetadata(metadata);
  let answered = false;
  for await (const _request of call.iterator({ destroyOnReturn: false })) {
    if (!answered) call.write(Buffer.alloc(0));
    answered = true;
  }
}
