/** regexp_extract(text, pattern, ['year', 'month']): the first groups as a struct of these names. */
import { DbError } from '../../core/errors.js';
import type { FunctionArgument, FunctionCall, Expression as Syntax } from '../syntax/ast/query.js';
import { filledIn } from '../syntax/template.js';

export function isNamedGroups(name: string): boolean {
  return name === 'regexp_extract';
}

/** Undefined: a call without names of groups. */
export function namedGroups(name: string, call: FunctionCall): Syntax | undefined {
  const [source, pattern, names, options] = call.arguments.map((argument) => argument.value);
  if (!isNamedGroups(name) || !source || !pattern || names?.kind !== 'list') return undefined;
  const fields = names.items.map((item, i): FunctionArgument => {
    if (item.kind !== 'string') {
      throw new DbError('invalid_argument', 'the names of groups are texts that are written out', { position: item.position });
    }
    const call = options ? 'regexp_extract($1, $2, $3, $4)' : 'regexp_extract($1, $2, $3)';
    const group: Syntax = { kind: 'number', text: String(i + 1), isInteger: true, position: item.position, end: item.end };
    const value = filledIn(call, [source, pattern, group, ...(options ? [options] : [])], item.position);
    return { name: { name: item.value, quoted: true, position: item.position }, value };
  });
  return { ...call, name: [{ name: 'struct_pack', quoted: false, position: call.position }], arguments: fields };
}
