/** Where statements end, for a shell that collects lines: a semicolon outside of quotes and comments. */

/** True when the text ends with a finished statement (only blanks and comments may follow the semicolon). */
export function isComplete(text: string): boolean {
  let ended = false;
  for (let i = 0; i < text.length; ) {
    const character = text[i] as string;
    const after = skipUnit(text, i);
    if (after === undefined) return false;
    const isBlank = /\s/.test(character) || isComment(text, i);
    if (character === ';') ended = true;
    else if (!isBlank) ended = false;
    i = after;
  }
  return ended;
}

function isComment(text: string, at: number): boolean {
  const pair = text.slice(at, at + 2);
  return pair === '--' || pair === '/*';
}

/** Behind the quoted text, comment or character that starts at `at`; undefined when it does not end. */
function skipUnit(text: string, at: number): number | undefined {
  const character = text[at] as string;
  if (character === "'" || character === '"' || character === '`') {
    const end = text.indexOf(character, at + 1);
    return end < 0 ? undefined : end + 1;
  }
  if (text.startsWith('--', at)) {
    const end = text.indexOf('\n', at);
    return end < 0 ? text.length : end + 1;
  }
  if (!text.startsWith('/*', at)) return at + 1;
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    if (text.startsWith('/*', i)) {
      depth++;
      i++;
    } else if (text.startsWith('*/', i)) {
      i++;
      if (--depth === 0) return i + 1;
    }
  }
  return undefined;
}
