// Kernels of this module; see native-free/README.md for the contract.
export function wire_module_version(): i32 { return 1; }
