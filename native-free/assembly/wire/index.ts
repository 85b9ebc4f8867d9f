// Kernels between our vectors and Arrow's wire; see native-free/README.md for the contract.
export * from './bits';
export * from './expand';
