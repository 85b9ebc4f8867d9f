/** Copies size bytes inside the arena (regions may overlap). Fast at any alignment, unlike TypedArray.set over shared memory. */
export function copy_bytes(target: usize, source: usize, sizeBytes: usize): void {
  memory.copy(target, source, sizeBytes);
}

/** Sets size bytes to one value. */
export function fill_bytes(target: usize, value: u32, sizeBytes: usize): void {
  memory.fill(target, value as u8, sizeBytes);
}

export * from './bits';
export * from './cast';
export * from './crc';
export * from './dictionary';
export * from './permute';
export * from './sort';
export * from './zone';
export * from './cluster';
export * from './latest';
export * from './merge';
