/** The fenced code of a page of docs/ as one program, with what its `text` blocks say that it prints. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './server.js';

export interface DocSession {
  /** All blocks of the language, in order: they are one session. */
  readonly program: string;
  /** All text blocks, in order. */
  readonly output: string;
}

export function sessionOf(page: string, language: 'python' | 'ts'): DocSession {
  const text = readFileSync(join(ROOT, 'docs', `${page}.md`), 'utf8');
  const blocks = (name: string) =>
    [...text.matchAll(new RegExp(`^\`\`\`${name}\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, block]) => block ?? '');
  const [program, output] = [blocks(language), blocks('text')];
  if (program.length === 0 || output.length === 0) throw new Error(`docs/${page}.md has no ${language} or no text blocks`);
  return { program: program.join('\n'), output: output.join('') };
}
