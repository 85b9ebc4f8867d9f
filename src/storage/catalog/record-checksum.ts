/**
 * Records of the catalog with their CRC32C behind them: of the name of their database, their key as JSON, and their value, so that a record which
 * has got under another key does not match either.
 */
import { crc32c } from '../../core/crc32c.js';
import { DbError } from '../../core/errors.js';

export const CHECKSUM_BYTES = 4;

/** The checksum of what stands before the value. */
export function keyChecksum(store: string, key: unknown): number {
  return crc32c(Buffer.from(`${store} ${keyText(key)} `));
}

/** As JSON. A key that has changed may be read back as a value of any type. */
export function keyText(key: unknown): string {
  return JSON.stringify(key, (_name, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part)) ?? 'undefined';
}

/** Writes the checksum into the last four bytes. */
export function sealValue(record: Buffer, store: string, key: unknown): Buffer {
  const end = record.length - CHECKSUM_BYTES;
  record.writeUInt32LE(crc32c(record.subarray(0, end), keyChecksum(store, key)), end);
  return record;
}

/** The value of a record. Fails with `corrupt`. */
export function checkedValue(record: Uint8Array, store: string, key: unknown): Buffer {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  const end = bytes.length - CHECKSUM_BYTES;
  if (end >= 0 && crc32c(bytes.subarray(0, end), keyChecksum(store, key)) === bytes.readUInt32LE(end)) return bytes.subarray(0, end);
  throw new DbError('corrupt', `catalog, ${store} record ${keyText(key)}: bytes do not match their checksum`, {
    hint: 'restore the database from a backup',
  });
}
