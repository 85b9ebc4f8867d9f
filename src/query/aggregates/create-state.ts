/** Which state a slot has. */
import type { Kernels } from '../../../native-free/kernels.js';
import type { Value } from '../../core/batch.js';
import type { MemoryScope } from '../../core/memory-scope.js';
import { type DataType, physicalOf } from '../../core/types.js';
import type { SlotKind } from './contract.js';
import { EmaState } from './exponential.js';
import { ListState, PickState, PositionState } from './held-states.js';
import {
  ExtremeState,
  MomentsState,
  SumProductState,
  SumState,
  TextExtremeState,
  TrueCountState,
  WholeSumState,
  WIDE_ORDER,
  WideExtremeState,
} from './number-states.js';
import { DigestState, DistinctSketchState } from './sketch-states.js';
import type { State } from './states.js';

/** The state of a slot whose inputs have these types. */
export function createState(
  kind: SlotKind,
  types: readonly DataType[],
  constants: readonly (Value | undefined)[],
  scope: MemoryScope,
  kernels: Kernels,
): State {
  const type = types[0] ?? { kind: 'null' };
  const physical = physicalOf(type);
  switch (kind) {
    case 'sum_integer':
      return new WholeSumState(scope, kernels);
    case 'sum_float':
    case 'sum_decimal':
    case 'product':
      return new SumState(scope, kernels, kind);
    case 'sum_product':
      return new SumProductState(scope, kernels);
    case 'moments':
    case 'co_moments':
      return new MomentsState(scope, kernels, kind === 'co_moments');
    case 'true_count':
      return new TrueCountState(scope, kernels);
    case 'min':
    case 'max':
      if (physical === 'bytes') return new TextExtremeState(scope, kernels, kind);
      if (physical in WIDE_ORDER) return new WideExtremeState(scope, kernels, kind, physical as keyof typeof WIDE_ORDER);
      return new ExtremeState(scope, kernels, kind, physical === 'bit' ? 'u8' : physical);
    case 'first':
    case 'last':
      return new PositionState(scope, kernels, kind, physical);
    case 'arg_min':
    case 'arg_max':
    case 'arg_max_last':
      return new PickState(scope, kernels, kind, physical);
    case 'ema':
      return new EmaState(scope, kernels, constants);
    case 'list':
      return new ListState(scope, kernels, type);
    case 'hyperloglog':
      return new DistinctSketchState(scope, kernels);
    case 'digest':
      return new DigestState(scope, kernels);
  }
}
