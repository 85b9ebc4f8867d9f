/** Rows of text from columns (JSON, CSV, TSV) and columns from text (CSV, JSON). See native-free/README.md for the contract. */
export { power_table } from './powers';
export { encode_rows } from './rows';
export { write_f32, write_f64 } from './write-floats';
