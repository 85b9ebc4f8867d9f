// Kernels of this module; see native-free/README.md for the contract.
export function vector_module_version(): i32 { return 1; }
