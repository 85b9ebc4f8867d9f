/** The body of one message while its fields are encoded: field nodes, buffer positions, and the pieces of memory in order. */
interface Piece {
  readonly address: number;
  readonly sizeBytes: number;
  paddingBytes: number;
}

export class MessageBody {
  /** [length, null count] per field, flattened. */
  readonly nodes: number[] = [];
  readonly buffers: (readonly [number, number])[] = [];
  readonly pieces: Piece[] = [];
  sizeBytes = 0;
  private readonly alignmentBytes: number;

  constructor(alignmentBytes: number) {
    this.alignmentBytes = alignmentBytes;
  }

  node(length: number, nullCount: number): void {
    this.nodes.push(length, nullCount);
  }

  absent(): void {
    this.buffers.push([this.sizeBytes, 0]);
  }

  /** Adds a buffer that consists of [address, size] ranges, one after the other. */
  buffer(ranges: readonly (readonly [number, number])[]): void {
    const start = this.sizeBytes;
    for (const [address, sizeBytes] of ranges) {
      if (sizeBytes === 0) continue;
      this.pieces.push({ address, sizeBytes, paddingBytes: 0 });
      this.sizeBytes += sizeBytes;
    }
    this.buffers.push([start, this.sizeBytes - start]);
    this.pad(this.alignmentBytes);
  }

  finish(): void {
    this.pad(8);
  }

  private pad(alignmentBytes: number): void {
    const padding = (alignmentBytes - (this.sizeBytes % alignmentBytes)) % alignmentBytes;
    const last = this.pieces.at(-1);
    if (last === undefined || padding === 0) return;
    last.paddingBytes += padding;
    this.sizeBytes += padding;
  }
}
