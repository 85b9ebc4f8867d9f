// Kernels of this module; see native-free/README.md for the contract.
//
// Time series: time zones, buckets of zones, the filling of gaps. A zone is a table of `count` periods of one offset: starts (i64 ticks UTC,
// ascending, the first i64.MIN_VALUE) and offsets (i64 ticks, to add to UTC).
export * from './zones';
export * from './gaps';
