/** `arrow`: an Arrow IPC stream, column buffers as they lie in the arena. */
import { encodeIpcStream } from '../../arrow/ipc-stream.js';
import type { MakeEncoder } from './result-encoder.js';

export const arrowEncoder: MakeEncoder = (arena, schema) => ({
  begin: async () => undefined,
  consume: async (batches, output) => {
    for await (const parts of encodeIpcStream(arena, schema, batches)) {
      for (const part of parts) await output.through(part);
    }
  },
  batch: async () => undefined,
  end: async () => undefined,
  release: () => undefined,
});
