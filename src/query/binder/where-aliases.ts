/** Names of the SELECT list in WHERE, as in DuckDB: where no column of this query or one around it has the name, the item's expression is meant. */
import type { Expression } from '../plan/expression.js';
import type { SelectItem } from '../syntax/ast/query.js';
import type { Aliases, Clause } from './context.js';

export class WhereAliases implements Aliases {
  private readonly items: readonly SelectItem[];
  private readonly clause: Clause;
  /** Made when the first name is asked for. */
  private byName: Map<string, SelectItem> | undefined;
  private readonly open: string[] = [];

  /** clause: WHERE, in which the items are bound anew. */
  constructor(items: readonly SelectItem[], clause: Clause) {
    this.items = items;
    this.clause = clause;
  }

  get(name: string): Expression | undefined {
    this.byName ??= namedItems(this.items);
    const item = this.byName.get(name);
    const { scope, context } = this.clause;
    if (!item || this.open.includes(name) || scope.sees([{ name, quoted: false, position: item.position }])) return undefined;
    this.open.push(name);
    const bound = context.bindExpression(item.expression, { ...this.clause, aliases: this });
    this.open.pop();
    return bound;
  }
}

/** The first item of each alias (lower case). */
function namedItems(items: readonly SelectItem[]): Map<string, SelectItem> {
  const byName = new Map<string, SelectItem>();
  for (const item of items) {
    const name = item.alias?.name.toLowerCase();
    if (name !== undefined && !byName.has(name)) byName.set(name, item);
  }
  return byName;
}
