/** The key under which histograms count what lies in no bin: the greatest value of the type where it has one, else its empty value. */
import type { Value } from '../../core/batch.js';
import { type DataType, UNITS_PER_SECOND } from '../../core/types.js';
import { integerRange } from './types.js';

/** undefined: the type has no such value, and what lies in no bin is not counted. */
export function otherBin(type: DataType): Value | undefined {
  const whole = integerRange(type);
  if (whole) return type.kind === 'int64' || type.kind === 'uint64' ? whole[1] : Number(whole[1]);
  switch (type.kind) {
    case 'float32':
    case 'float64':
      return Number.POSITIVE_INFINITY;
    case 'decimal':
      return 10n ** BigInt(type.precision) - 1n;
    case 'date32':
      return 2 ** 31 - 1;
    case 'timestamp':
      return 2n ** 63n - 1n;
    case 'time64':
      return UNITS_PER_SECOND[type.unit] * 86_400n;
    case 'utf8':
    case 'symbol':
      return '';
    case 'binary':
      return new Uint8Array(0);
    case 'list':
      return [];
    case 'struct':
      return Object.fromEntries(type.fields.map(({ name }) => [name, null]));
    default:
      return undefined;
  }
}
