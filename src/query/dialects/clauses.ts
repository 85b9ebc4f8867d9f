/** What several translators need: casts, fields of times, ORDER BY. */
import type { Expression, OrderItem } from '../syntax/ast/query.js';
import { filledIn } from '../syntax/template.js';
import { orderItem } from './build.js';
import type { Translation } from './translation.js';
import { expectKeys, isTree, listOf, textOf, untranslatable } from './tree.js';
import { isIntegerType } from './types.js';

export function cast(operand: Expression, target: unknown, isTry: boolean, position: number, translation: Translation): Expression {
  const type = translation.type(target, position);
  const cuts = translation.dialect.castCuts && isIntegerType(type) && operand.kind !== 'string';
  return {
    kind: 'cast',
    position,
    end: position,
    operand: cuts ? filledIn('without_fraction($1)', [operand], position) : operand,
    type,
    isTry,
  };
}

/** Fields whose numbers differ between the systems are refused. */
const FIELDS = new Set(['year', 'quarter', 'month', 'day', 'hour', 'minute', 'epoch', 'doy', 'dayofyear', 'isoyear', 'isodow']);

export function extractField(field: string, operand: Expression, position: number, translation: Translation): Expression {
  const { name } = translation.dialect;
  // The second's fraction belongs to it in the PostgreSQL family alone.
  if (field === 'second') {
    const whole = name !== 'db2';
    return filledIn(whole ? 'CAST(floor(extract(second FROM $1)) AS BIGINT)' : 'extract(second FROM $1)', [operand], position);
  }
  if (field === 'dayofweek' && name === 'bigquery') return filledIn('extract(dow FROM $1) + 1', [operand], position);
  if (field === 'dow' && name === 'redshift') return { kind: 'extract', position, end: position, field, operand };
  if (field === 'isoweek') return { kind: 'extract', position, end: position, field: 'week', operand };
  if (field === 'week' && ['redshift', 'trino', 'athena'].includes(name))
    return { kind: 'extract', position, end: position, field, operand };
  if (!FIELDS.has(field)) throw untranslatable(`the field ${field} of EXTRACT`, position);
  return { kind: 'extract', position, end: position, field: field === 'dayofyear' ? 'doy' : field, operand };
}

/** ORDER BY, with NULLs where the dialect has them. */
export function orderBy(value: unknown, position: number, translation: Translation): readonly OrderItem[] {
  if (listOf(value).length > 0) translation.saw('ORDER');
  return listOf(value).map((item) => {
    const tree = isTree(item) ? item : {};
    expectKeys(tree, 'ORDER BY', ['expr', 'type', 'nulls'], position);
    const direction = textOf(tree.type).toUpperCase() === 'DESC' ? 'desc' : 'asc';
    const said = textOf(tree.nulls).toUpperCase();
    const { nulls } = translation.dialect;
    const low = nulls === 'low' ? 'asc' : 'desc';
    const own = nulls === 'last' ? 'last' : direction === low ? 'first' : 'last';
    const place = said.endsWith('FIRST') ? 'first' : said.endsWith('LAST') ? 'last' : own;
    return orderItem(translation.expression(tree.expr, position), direction, place);
  });
}
