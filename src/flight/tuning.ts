/**
 * HTTP/2 windows and frame sizes for bulk data. grpc-js's server has no options for them, so its internals are set where they are found as
 * expected; without them everything works, slower.
 */
import type { Http2Server, ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { ChannelOptions, Server } from '@grpc/grpc-js';

const STREAM_WINDOW_BYTES = 2 ** 26;
const SESSION_WINDOW_BYTES = 2 ** 28;
const MAX_FRAME_BYTES = 2 ** 20;

/** maxBytes bounds one inbound message. */
export function channelOptions(maxBytes: number): ChannelOptions {
  return {
    'grpc.max_receive_message_length': maxBytes,
    'grpc.max_send_message_length': -1,
    'grpc-node.max_session_memory': Number.MAX_SAFE_INTEGER,
    'grpc.keepalive_time_ms': 120_000,
    'grpc.keepalive_timeout_ms': 20_000,
    // Two servers on one port are a mistake, not a wish: without this the second would silently take half of the connections.
    'grpc.so_reuseport': 0,
  };
}

interface ServerInternals {
  readonly commonServerOptions?: { settings?: object };
  readonly http2Servers?: ReadonlyMap<Http2Server, unknown>;
}

/** Before bindAsync. */
export function widenStreams(server: Server): void {
  const { commonServerOptions } = server as unknown as ServerInternals;
  if (typeof commonServerOptions !== 'object') return;
  commonServerOptions.settings = { ...commonServerOptions.settings, initialWindowSize: STREAM_WINDOW_BYTES, maxFrameSize: MAX_FRAME_BYTES };
}

/** After bindAsync. */
export function widenSessions(server: Server): void {
  const { http2Servers } = server as unknown as ServerInternals;
  if (!(http2Servers instanceof Map)) return;
  for (const http2Server of http2Servers.keys() as Iterable<Http2Server>) {
    http2Server.on('session', (session: ServerHttp2Session) => session.setLocalWindowSize(SESSION_WINDOW_BYTES));
    http2Server.on('connection', (socket: Socket) => socket.setNoDelay(true));
  }
}

/** Whole messages that may wait in a call's own queue; grpc-js reads 16 ahead, however large they are. */
const READ_AHEAD_MESSAGES = 2;

export function limitReadAhead(call: Readable): void {
  const { _readableState: state } = call as unknown as { readonly _readableState?: { highWaterMark?: number } };
  if (typeof state?.highWaterMark === 'number') state.highWaterMark = READ_AHEAD_MESSAGES;
}
