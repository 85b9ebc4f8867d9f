// Kernels between our vectors and Arrow's wire; see native-free/README.md for the contract.
export * from './bits';
export * from './expand';
export * from './check';
export * from './widen';
export * from './lz4';
export * from './snappy';
export * from './zstd';
export { begin_zstd_frame, encode_zstd_block } from './zstd-encode';
