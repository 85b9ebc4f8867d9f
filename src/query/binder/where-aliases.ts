/** Names of the SELECT list in WHERE, as in DuckDB: where no column of this query or one around it has the name, the item's expression is meant. */
import type { Expression } from '../plan/expression.js';
import type { SelectItem } from '../syntax/ast/query.js';
import type { Aliases, Clause } from './context.js';

export class WhereAliases implements Aliases {
  private readonly items = new Map<string, SelectItem>();
  private readonly open = new Set<string>();
  private readonly clause: Clause;

  /** clause: WHERE, in which the items are bound anew. */
  constructor(items: readonly SelectItem[], clause: Clause) {
    this.clause = clause;
    for (const item of items) {
      const name = item.alias?.name.toLowerCase();
      if (name !== undefined && !this.items.has(name)) this.items.set(name, item);
    }
  }

  get(name: string): Expression | undefined {
    const item = this.items.get(name);
    const { scope, context } = this.clause;
    if (!item || this.open.has(name) || scope.sees([{ name, quoted: false, position: item.position }])) return undefined;
    this.open.add(name);
    const bound = context.bindExpression(item.expression, { ...this.clause, aliases: this });
    this.open.delete(name);
    return bound;
  }
}
