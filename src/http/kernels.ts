/** The kernels over an arena, instantiated once for it on this thread. */
import { instantiateKernels, type Kernels } from '../../native-free/kernels.js';
import type { Arena } from '../core/arena.js';

const instances = new WeakMap<Arena, Kernels>();

export function kernelsOf(arena: Arena): Kernels {
  let kernels = instances.get(arena);
  if (!kernels) {
    kernels = instantiateKernels(arena.memory);
    instances.set(arena, kernels);
  }
  return kernels;
}
