/**
 * The kernel table: every exported function of every kernel module, bound to one arena's memory.
 *
 * A kernel does not throw, allocate or know columns. Pointers are byte addresses inside the arena (pass them as they are; results that
 * are pointers or unsigned counts come back as signed 32-bit and need `>>> 0`). Bitmaps are Arrow's: bit i of byte i >> 3, LSB first.
 * 64-bit integer constants travel as pointers to 8-byte slots, never as BigInt, except where a signature says i64.
 */
import { readFileSync } from 'node:fs';
import type { AsofKernels } from './generated/asof.js';
import type { FormatKernels } from './generated/format.js';
import type { MatchKernels } from './generated/match.js';
import type { ParquetKernels } from './generated/parquet.js';
import type { RelationKernels } from './generated/relation.js';
import type { SeriesKernels } from './generated/series.js';
import type { StoreKernels } from './generated/store.js';
import type { TextKernels } from './generated/text.js';
import type { VectorKernels } from './generated/vector.js';
import type { WindowKernels } from './generated/window.js';
import type { WireKernels } from './generated/wire.js';

export type Kernels = VectorKernels &
  TextKernels &
  RelationKernels &
  StoreKernels &
  WireKernels &
  FormatKernels &
  WindowKernels &
  SeriesKernels &
  AsofKernels &
  MatchKernels &
  ParquetKernels;

/** One module per area; the order is the order of their static data in low memory (scripts/build.mjs). */
export const KERNEL_MODULES = [
  'vector',
  'text',
  'relation',
  'store',
  'wire',
  'format',
  'window',
  'series',
  'asof',
  'match',
  'parquet',
] as const;

export type CompiledKernels = readonly WebAssembly.Module[];

/** Built code lies in dist/native-free; sources run by a test tool find it there too. */
function moduleUrl(name: string): URL {
  const here = import.meta.url;
  return here.endsWith('.ts') ? new URL(`../dist/native-free/${name}.wasm`, here) : new URL(`./${name}.wasm`, here);
}

let compiled: CompiledKernels | undefined;

/** Compiles the modules once per thread. Modules can be posted to workers instead of being compiled again there. */
export function compileKernels(): CompiledKernels {
  compiled ??= KERNEL_MODULES.map((name) => new WebAssembly.Module(readFileSync(moduleUrl(name))));
  return compiled;
}

/** Binds compiled kernels to a memory. 2 µs a module; one instance per thread and arena. */
export function instantiateKernels(memory: WebAssembly.Memory, modules: CompiledKernels = compileKernels()): Kernels {
  const env = {
    memory,
    abort: (_message: number, _file: number, line: number, column: number) => {
      throw new Error(`kernel aborted at ${line}:${column}`);
    },
  };
  const exports = modules.map((module) => new WebAssembly.Instance(module, { env }).exports);
  return Object.assign({}, ...exports) as Kernels;
}
