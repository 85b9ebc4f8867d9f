/** Copies between JavaScript buffers and the arena. */
import type { Arena } from '../core/arena.js';

const SMALL_BYTES = 256;

/**
 * Copies bytes to an address. Buffer.fill is used because TypedArray.set into shared memory runs at a tenth of its speed when source and target
 * are aligned differently.
 */
export function copyIntoArena(arena: Arena, address: number, bytes: Uint8Array): void {
  if (bytes.length < SMALL_BYTES) arena.u8.set(bytes, address);
  else Buffer.from(arena.buffer as unknown as ArrayBuffer, address, bytes.length).fill(bytes);
}
