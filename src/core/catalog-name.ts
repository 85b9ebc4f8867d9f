/** What clients that want a catalog (a database) before the schema are told. */
export const CATALOG = 'fletch';
