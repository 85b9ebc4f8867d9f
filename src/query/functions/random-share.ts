/** Randomness for functions that are computed value by value. */
import { systemEnvironment } from '../../core/environment.js';

const DIGITS = 12;

/** A random number in [0, 1), of 48 bits: those of a UUID that say no version. */
export function randomShare(): number {
  return Number.parseInt(systemEnvironment.uuid().replaceAll('-', '').slice(0, DIGITS), 16) / 16 ** DIGITS;
}
