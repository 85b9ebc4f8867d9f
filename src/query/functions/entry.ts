/** How a topic writes its entries: name, doc, examples, how it is called, and what is unusual about it. */
import type { FunctionExample, ScalarFunction } from './contract.js';
import { oneOf, type Signature } from './overloads.js';

type Usual = Pick<ScalarFunction, 'category'> & Partial<Pick<ScalarFunction, 'nulls' | 'infallible' | 'volatile'>>;

/** `calls` are signatures in order of preference, or resolve() itself; `more` is a list of aliases or what differs from the topic's usual. */
export type EntryWriter = (
  name: string,
  doc: string,
  examples: readonly FunctionExample[],
  calls: ScalarFunction['resolve'] | readonly Signature[],
  more?: Partial<ScalarFunction> | readonly string[],
) => ScalarFunction;

/** The writer of a topic's entries; `strict` unless it is said otherwise. */
export function entriesOf(usual: Usual): EntryWriter {
  return (name, doc, examples, calls, more = {}) => ({
    name,
    nulls: 'strict',
    ...usual,
    doc,
    examples,
    resolve: typeof calls === 'function' ? calls : oneOf(...calls),
    ...(Array.isArray(more) ? { aliases: more } : (more as Partial<ScalarFunction>)),
  });
}
