import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ScalarFunction } from '../../../src/query/functions/contract.js';
import { SCALAR_FUNCTIONS } from '../../../src/query/functions/registry.js';

const PAGE = new URL('../../../docs/sql/functions.md', import.meta.url);

const TITLES = {
  operator: 'Operators',
  math: 'Mathematics',
  text: 'Text',
  time: 'Dates and times',
  conditional: 'Conditions',
  list: 'Lists and structs',
  json: 'JSON',
  hash: 'Hashes',
  system: 'System',
} as const satisfies Record<ScalarFunction['category'], string>;

const HEAD = `# Scalar functions and operators

Written from the registry by \`UPDATE=1 npx vitest run test/query/functions/reference.test.ts\`; do not edit. Every example runs as a test.

What holds for all of them
- NULL in, NULL out, unless an entry says otherwise. NULL slots never raise errors.
- Integer overflow is an error, never a wrap. Division by zero is an error, of integers, decimals and floats; \`nullif(x, 0)\` avoids it.
- Other float operations give what IEEE 754 gives. NaN equals NaN and is the greatest number; −0 equals 0.
- A branch of CASE, coalesce, if, AND or OR that a row does not reach cannot fail for it. AND and OR go from left to right.
- Text is compared by its UTF-8 bytes. Positions and lengths count code points.
- Timestamps without a time zone are UTC. Adding months keeps the day, cut to the month's last.
- On dictionary-encoded columns a function of that column alone is computed once per distinct value.

What is computed value by value in JavaScript, and so costs more on columns that are not dictionary-encoded: regular expressions
(\`~\`, SIMILAR TO, GLOB, \`regexp_…\`; their syntax is JavaScript's, with PostgreSQL's character classes), LIKE with a pattern that is no
constant and ILIKE beyond ASCII, lower/upper/initcap of text beyond ASCII, JSON, encodings and hashes of text, format and printf, likeness of
texts, strftime, strptime, to_char and their kin, make_timestamp, intervals made and justified, special functions of mathematics,
gen_random_uuid, time zones other than UTC, most functions of lists (not length, lambdas and fields of structs), and casts of text to decimal,
time, interval, uuid, bool, binary, lists and structs and of decimals, intervals, uuids, binaries, lists and structs to text.

A regular expression that backtracks too often goes over to an engine whose time is linear in the text; only patterns with back-references,
look-around or letters beyond ASCII whose case is ignored cannot.
`;

function shown(entry: ScalarFunction): string {
  const names = [entry.name, ...(entry.aliases ?? [])].map((name) => `\`${name}\``).join(', ');
  const examples = entry.examples.map((example) => `${example.sql} → ${example.result}`);
  return `### ${names}\n\n${entry.doc}\n${examples.length === 0 ? '' : `\n\`\`\`\n${examples.join('\n')}\n\`\`\`\n`}`;
}

function page(): string {
  const entries = Object.values(SCALAR_FUNCTIONS).filter((entry) => entry.name !== 'single_row' && entry.name !== 'json_embed');
  const sections = Object.entries(TITLES).map(([category, title]) => {
    const members = entries.filter((entry) => entry.category === category).sort((a, b) => (a.name < b.name ? -1 : 1));
    return `## ${title}\n\n${members.map(shown).join('\n')}`;
  });
  return [HEAD, ...sections].join('\n');
}

test('docs/sql/functions.md is what the registry says', () => {
  if (process.env.UPDATE === '1') writeFileSync(PAGE, page());
  expect(existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '').toBe(page());
});

test('no two functions share a name, and each has an example', () => {
  const names = Object.values(SCALAR_FUNCTIONS).flatMap((entry) => [entry.name, ...(entry.aliases ?? [])]);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  expect(
    Object.values(SCALAR_FUNCTIONS)
      .filter((entry) => entry.examples.length === 0)
      .map((entry) => entry.name),
  ).toEqual([]);
});
