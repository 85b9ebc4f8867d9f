/** The parameters of a text, none of which has a value, as the binder is given them: their types are known when the text has been planned. */
import type { Parameters } from '../../core/contracts.js';
import { type Field, UTF8 } from '../../core/types.js';
import { OpenParameter } from '../binder/open-parameter.js';
import type { Statement } from '../syntax/ast/statement.js';
import { parametersOf } from './prepared.js';

export class OpenParameters {
  private readonly named = new Map<string, OpenParameter>();
  private readonly numbered: OpenParameter[] = [];

  constructor(statements: readonly Statement[]) {
    for (const { name, index } of statements.flatMap(parametersOf)) {
      if (name !== null) this.named.set(name, this.named.get(name) ?? new OpenParameter());
      else while (this.numbered.length < (index ?? 1)) this.numbered.push(new OpenParameter());
    }
  }

  /** Undefined when there are none. */
  get values(): Parameters | undefined {
    if (this.named.size === 0) return this.numbered.length === 0 ? undefined : this.numbered;
    const numbered = this.numbered.map((value, i) => [String(i + 1), value] as const);
    return Object.fromEntries([...numbered, ...this.named]);
  }

  fields(): readonly Field[] {
    const field = (name: string, { slot }: OpenParameter): Field => ({ name, type: slot.type ?? UTF8, nullable: true });
    return [...this.numbered.map((each, i) => field(`$${i + 1}`, each)), ...[...this.named].map(([name, each]) => field(`:${name}`, each))];
  }
}
