/** Patterns of names in metadata commands: % is any text, _ any character, a backslash takes the meaning from either. Names match in any case. */

/** Null matches everything. Linear in the name for each % of the pattern. */
export function matches(name: string, pattern: string | null): boolean {
  if (pattern === null) return true;
  const text = [...name.toLowerCase()];
  const steps = stepsOf(pattern.toLowerCase());
  let [at, step] = [0, 0];
  // Where to go on when what follows the last % does not match here.
  let [resumeAt, resumeStep] = [0, -1];
  while (at < text.length) {
    const now = steps[step];
    if (now === ANY_TEXT) {
      [resumeAt, resumeStep] = [at, ++step];
    } else if (now !== undefined && (now === ANY_CHARACTER || now === text[at])) {
      at++;
      step++;
    } else if (resumeStep >= 0) {
      at = ++resumeAt;
      step = resumeStep;
    } else {
      return false;
    }
  }
  return steps.slice(step).every((rest) => rest === ANY_TEXT);
}

const ANY_TEXT = Symbol('%');
const ANY_CHARACTER = Symbol('_');

function stepsOf(pattern: string): readonly (string | symbol)[] {
  const steps: (string | symbol)[] = [];
  let isEscaped = false;
  for (const character of pattern) {
    if (!isEscaped && character === '\\') {
      isEscaped = true;
      continue;
    }
    if (isEscaped) steps.push(character);
    else steps.push(character === '%' ? ANY_TEXT : character === '_' ? ANY_CHARACTER : character);
    isEscaped = false;
  }
  return steps;
}
