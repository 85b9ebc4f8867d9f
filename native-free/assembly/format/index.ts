/** Rows of text from columns (JSON, CSV, TSV) and columns from text (CSV, JSON). See native-free/README.md for the contract. */
export { csv_cells } from './cells-csv';
export { json_cells } from './cells-json';
export { power_table } from './powers';
export {
  read_bool, read_decimal, read_f32, read_f64, read_i8, read_i16, read_i32, read_i64, read_u8, read_u16, read_u32, read_u64,
} from './read-numbers';
export { cells_bytes, cells_validity, check_utf8, count_newlines, read_text } from './read-text';
export { read_date, read_time, read_timestamp, read_uuid } from './read-times';
export { encode_rows } from './rows';
export { write_f32, write_f64 } from './write-floats';
