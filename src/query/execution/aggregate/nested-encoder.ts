/** Encoder of lists and structs: their bytes are interned as text is (expression/nested-bytes.ts). */
import type { Kernels } from '../../../../native-free/kernels.js';
import type { Vector } from '../../../core/batch.js';
import type { MemoryScope } from '../../../core/memory-scope.js';
import { BINARY, type DataType } from '../../../core/types.js';
import type { MoveContext } from '../../expression/gather.js';
import { bytesToNested, nestedToBytes } from '../../expression/nested-bytes.js';
import { TextEncoder32 } from './text-encoder.js';

export class NestedEncoder extends TextEncoder32 {
  private readonly nested: DataType;
  private readonly memory: MemoryScope;

  constructor(type: DataType, scope: MemoryScope, kernels: Kernels, table = 0) {
    super(BINARY, scope, kernels, table);
    this.nested = type;
    this.memory = scope;
  }

  override get handle() {
    return { kind: 'text', type: this.nested, table: this.table } as const;
  }

  override encode(vector: Vector, mask: number, context: MoveContext, out: number): void {
    super.encode(nestedToBytes(vector, context), mask, context, out);
  }

  override find(vector: Vector, context: MoveContext, out: number): void {
    super.find(nestedToBytes(vector, context), context, out);
  }

  override values(context: MoveContext): Vector {
    return bytesToNested(super.values(context), this.nested, context, this.memory);
  }
}
