/** Messages of Flight SQL (FlightSql.proto), read by field number; most travel inside of a google.protobuf.Any, which names their type. */
import { readText } from '../messages.js';
import { MessageWriter, readFields } from '../protobuf.js';

const PREFIX = 'type.googleapis.com/arrow.flight.protocol.sql.';
const NOTHING = new Uint8Array(0);

/** A message's fields by number. Of a field that stands several times the last one counts, as protobuf has it. */
export class Message {
  private readonly fields = new Map<number, (Uint8Array | number)[]>();

  constructor(bytes: Uint8Array) {
    for (const [field, value] of readFields(bytes)) {
      const values = this.fields.get(field);
      if (values) values.push(value);
      else this.fields.set(field, [value]);
    }
  }

  has(field: number): boolean {
    return this.fields.has(field);
  }

  /** 0 when absent. */
  number(field: number): number {
    const value = this.fields.get(field)?.at(-1);
    return typeof value === 'number' ? value : 0;
  }

  flag(field: number): boolean {
    return this.number(field) !== 0;
  }

  /** Empty when absent. */
  bytes(field: number): Uint8Array {
    const value = this.fields.get(field)?.at(-1);
    return typeof value === 'object' ? value : NOTHING;
  }

  text(field: number): string {
    return readText(this.bytes(field), 'a text of the Flight message');
  }

  /** null when absent, which is not the same as empty. */
  optionalText(field: number): string | null {
    return this.has(field) ? this.text(field) : null;
  }

  /** All of a repeated field. */
  allBytes(field: number): Uint8Array[] {
    return (this.fields.get(field) ?? []).filter((value) => typeof value === 'object');
  }

  texts(field: number): string[] {
    return this.allBytes(field).map((value) => readText(value, 'a text of the Flight message'));
  }

  /** A repeated number, packed or not. */
  numbers(field: number): number[] {
    return (this.fields.get(field) ?? []).flatMap((value) => (typeof value === 'number' ? [value] : unpacked(value)));
  }
}

function unpacked(packed: Uint8Array): number[] {
  const numbers: number[] = [];
  for (let at = 0; at < packed.length; ) {
    let value = 0;
    for (let shift = 0; at < packed.length; shift += 7) {
      const byte = packed[at++] as number;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    numbers.push(value);
  }
  return numbers;
}

export interface NamedMessage {
  /** `CommandStatementQuery`. */
  readonly name: string;
  readonly message: Message;
}

/** What the bytes are when they are an Any of Flight SQL, else undefined: SQL text, JSON and names of tables begin otherwise. */
export function readAny(bytes: Uint8Array): NamedMessage | undefined {
  if (bytes[0] !== 0x0a) return undefined;
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, PREFIX.length + 3));
  if (!head.includes(PREFIX)) return undefined;
  const any = new Message(bytes);
  return { name: any.text(1).slice(PREFIX.length), message: new Message(any.bytes(2)) };
}

export function writeAny(name: string, message: MessageWriter): Buffer {
  return new MessageWriter()
    .text(1, PREFIX + name)
    .bytes(2, message.finish())
    .finish();
}
