// Kernels of this module; see native-free/README.md for the contract.
export * from './bits';
export * from './compare';
export * from './gather';
export * from './arithmetic';
export * from './bitwise';
export * from './cast';
export * from './math';
export * from './time';
export * from './decimal';
