// Kernels of this module; see native-free/README.md for the contract.
export * from './compare';
export * from './format';
export * from './measure';
export * from './parse';
export * from './transform';
