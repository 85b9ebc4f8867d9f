/** Where NULLs come in an ORDER BY that does not say it: the setting default_null_order. */
import { DbError } from '../../core/errors.js';

export interface NullOrder {
  readonly ascendingFirst: boolean;
  readonly descendingFirst: boolean;
}

const order = (ascendingFirst: boolean, descendingFirst: boolean): NullOrder => ({ ascendingFirst, descendingFirst });

const POSTGRES = order(false, true);
const SQLITE = order(true, false);

const ORDERS: ReadonlyMap<string, NullOrder> = new Map([
  ['nulls_last_on_asc_first_on_desc', POSTGRES],
  ['postgres', POSTGRES],
  ['nulls_first_on_asc_last_on_desc', SQLITE],
  ['sqlite', SQLITE],
  ['mysql', SQLITE],
  ['nulls_first', order(true, true)],
  ['first', order(true, true)],
  ['nulls_last', order(false, false)],
  ['last', order(false, false)],
]);

/** Fails with `invalid_argument`. */
export function nullOrderOf(setting: string, position?: number): NullOrder {
  const found = ORDERS.get(setting.toLowerCase().replace(/\s+/g, '_'));
  if (found) return found;
  throw new DbError('invalid_argument', `setting default_null_order: "${setting}" is not an order of NULLs`, {
    position,
    hint: `there are ${[...ORDERS.keys()].join(', ')}`,
  });
}
