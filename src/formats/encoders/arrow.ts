/** `arrow`: an Arrow IPC stream, column buffers as they lie in the arena. */
import { encodeIpcFile, encodeIpcStream } from '../../arrow/ipc-stream.js';
import type { MakeEncoder } from './result-encoder.js';

export const arrowEncoder = arrowEncoderOf(encodeIpcStream);

/** An Arrow IPC file. */
export const arrowFileEncoder = arrowEncoderOf(encodeIpcFile);

function arrowEncoderOf(encode: typeof encodeIpcStream): MakeEncoder {
  return (arena, schema) => ({
    begin: async () => undefined,
    consume: async (batches, output) => {
      for await (const parts of encode(arena, schema, batches)) {
        for (const part of parts) await output.through(part);
      }
    },
    batch: async () => undefined,
    end: async () => undefined,
    release: () => undefined,
  });
}
