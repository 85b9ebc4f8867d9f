// Pages of Parquet files → our vectors; see native-free/README.md for the contract. Buffers that are read can be read 8 bytes past their end.
export * from './bytes';
export * from './delta';
export * from './hybrid';
export * from './spread';
export * from './stored';
