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
  /** [address, size] of what each buffer consists of. */
  readonly ranges: (readonly (readonly [number, number])[])[] = [];
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
    this.ranges.push([]);
  }

  /** Adds a buffer that consists of [address, size] ranges, one after the other. */
  buffer(ranges: readonly (readonly [number, number])[]): void {
    const start = this.sizeBytes;
    this.ranges.push(ranges);
    for (const [address, sizeBytes] of ranges) {
      if (sizeBytes === 0) continue;
      this.pieces.push({ address, sizeBytes, paddingBytes: 0 });
      this.sizeBytes += sizeBytes;
    }
    this.buffers.push([start, this.sizeBytes - start]);
    this.pad(this.alignmentBytes);
  }

  /** The same fields with other bytes for their buffers, which begin at multiples of as many bytes. */
  withBuffers(ranges: readonly (readonly (readonly [number, number])[])[]): MessageBody {
    const body = new MessageBody(this.alignmentBytes);
    body.nodes.push(...this.nodes);
    for (const each of ranges) body.buffer(each);
    return body;
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
