// Kernels of this module; see native-free/README.md for the contract.
//
// ASOF joins. Times are int64 in ascending order of time. Rows of a right side in several pieces are numbered piece << shift | row;
// 0xFFFFFFFF is no row.
export { asof_signed, asof_narrow } from './times';
export * from './find';
export * from './merge';
export * from './place';
export * from './pieces';
