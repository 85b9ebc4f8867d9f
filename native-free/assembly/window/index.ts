// Kernels of this module; see native-free/README.md for the contract.
//
// Window functions work in positions: rows ordered by partition, then by the window's ORDER BY. Positions and rows are uint32; a frame is
// the positions [low, high), empty when low >= high. Arrays of frames hold the n positions from `first` on; other arrays hold all positions.
export * from './positions';
export * from './frames';
export * from './ranks';
export * from './picks';
export * from './slide';
export * from './ordered';
export * from './series';
export * from './running';
export * from './stream';
export * from './rings';
export * from './exponential';
