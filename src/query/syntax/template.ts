/** Meanings written in our own SQL, with `$1`, `$2`, … for the operands: parsed once, then filled in. */
import { assert } from '../../core/assert.js';
import type { Expression } from './ast/query.js';
import { parseExpression } from './parser.js';

const parsed = new Map<string, Expression>();

/** The template's tree with operands put in and every node at `position`. An operand may be used more than once. */
export function filledIn(template: string, operands: readonly Expression[], position: number): Expression {
  let tree = parsed.get(template);
  if (!tree) {
    tree = parseExpression(template);
    parsed.set(template, tree);
  }
  return fill(tree, operands, position) as Expression;
}

function fill(node: unknown, operands: readonly Expression[], position: number): unknown {
  if (Array.isArray(node)) return node.map((each) => fill(each, operands, position));
  if (typeof node !== 'object' || node === null) return node;
  const fields = node as Readonly<Record<string, unknown>>;
  if (fields.kind === 'parameter') {
    const operand = operands[Number(fields.index) - 1];
    assert(operand !== undefined, 'a template uses an operand that is not there');
    return operand;
  }
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      key === 'position' || key === 'end' || key === 'operatorPosition' ? position : fill(value, operands, position),
    ]),
  );
}
