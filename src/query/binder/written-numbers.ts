/** Arithmetic of numbers that are written out in the statement. */
import type { Expression as Syntax } from '../syntax/ast/query.js';

interface WrittenDecimal {
  readonly unscaled: bigint;
  readonly scale: number;
}

/** Numbers with few digits that are written out, and their sums and products, are exact: 0.06 + 0.01 is 0.07. */
export function writtenDecimal(syntax: Syntax): WrittenDecimal | undefined {
  if (syntax.kind === 'number') {
    const match = /^(\d*)(?:\.(\d*))?$/.exec(syntax.text);
    const digits = match ? `${match[1]}${match[2] ?? ''}` : '';
    return match && digits.length <= MOST_DIGITS ? { unscaled: BigInt(digits), scale: match[2]?.length ?? 0 } : undefined;
  }
  if (syntax.kind !== 'binary' || !(syntax.operator === '+' || syntax.operator === '-' || syntax.operator === '*')) return undefined;
  const left = writtenDecimal(syntax.left);
  const right = left && writtenDecimal(syntax.right);
  if (!left || !right) return undefined;
  const result = combineWritten(syntax.operator, left, right);
  const digits = String(result.unscaled).replace('-', '').length;
  return digits <= MOST_DIGITS && result.scale <= MOST_DIGITS ? result : undefined;
}

/** Digits that a float64 keeps. */
const MOST_DIGITS = 15;

function combineWritten(operator: '+' | '-' | '*', a: WrittenDecimal, b: WrittenDecimal): WrittenDecimal {
  if (operator === '*') return { unscaled: a.unscaled * b.unscaled, scale: a.scale + b.scale };
  const scale = Math.max(a.scale, b.scale);
  const left = a.unscaled * 10n ** BigInt(scale - a.scale);
  const right = b.unscaled * 10n ** BigInt(scale - b.scale);
  return { unscaled: operator === '+' ? left + right : left - right, scale };
}

export function decimalText({ unscaled, scale }: WrittenDecimal): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
