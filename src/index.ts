/** fletchdb: a columnar time-series database inside your process. Start with open(). */
export { DbError, type ErrorCode } from './core/errors.js';
export type { ColumnInput, ColumnValue, RowInput } from './embedded/column-input.js';
export {
  Database,
  type InsertData,
  type InsertOptions,
  type InsertPart,
  type ListeningServer,
  type ListenOptions,
  type OpenOptions,
  open,
  type QueryOptions,
  type QueryParameters,
  type Transaction,
} from './embedded/database.js';
export {
  type ColumnValues,
  Result,
  ResultBatch,
  type ResultColumn,
  type ResultOptions,
  type Row,
  type SqlValue,
} from './embedded/result.js';
