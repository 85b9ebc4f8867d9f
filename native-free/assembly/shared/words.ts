// Inlined access to arrays of words by index.

// @ts-ignore: decorator
@inline
export function at4(base: usize, i: u32): u32 {
  return load<u32>(base + ((i as usize) << 2));
}

// @ts-ignore: decorator
@inline
export function put4(base: usize, i: u32, value: u32): void {
  store<u32>(base + ((i as usize) << 2), value);
}

// @ts-ignore: decorator
@inline
export function at8(base: usize, i: u32): u64 {
  return load<u64>(base + ((i as usize) << 3));
}
