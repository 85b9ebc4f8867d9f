/** The kernels of an arena on this thread: bound once per arena. */

import { instantiateKernels, type Kernels } from '../../native-free/kernels.js';
import type { Arena } from '../core/arena.js';

const bound = new WeakMap<Arena, Kernels>();

export function kernelsOf(arena: Arena): Kernels {
  let kernels = bound.get(arena);
  if (kernels === undefined) {
    kernels = instantiateKernels(arena.memory);
    bound.set(arena, kernels);
  }
  return kernels;
}
