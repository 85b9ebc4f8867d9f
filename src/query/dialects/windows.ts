/** OVER and WINDOW. */
import type { FrameBound, NamedWindow, WindowFrame, WindowName, WindowSpecification } from '../syntax/ast/query.js';
import { identifier, number } from './build.js';
import { orderBy } from './clauses.js';
import type { Translation } from './translation.js';
import { childOf, expectKeys, isTree, listOf, nameOf, type Tree, textOf, untranslatable } from './tree.js';

/** A window's name, or what it says. */
export function windowOf(value: unknown, position: number, translation: Translation): WindowName | WindowSpecification {
  if (!isTree(value)) return { kind: 'windowName', position, end: position, name: identifier(textOf(value), position) };
  expectKeys(value, 'a window', ['window_specification'], position);
  const tree = childOf(value, 'window_specification') ?? {};
  expectKeys(tree, 'a window', ['name', 'partitionby', 'orderby', 'window_frame_clause'], position);
  const base = nameOf(tree.name);
  return {
    kind: 'windowSpecification',
    position,
    end: position,
    base: base === '' ? null : identifier(base, position),
    partitionBy: listOf(tree.partitionby).map((item) =>
      translation.expression(isTree(item) && isTree(item.expr) ? item.expr : item, position),
    ),
    orderBy: orderBy(tree.orderby, position, translation),
    frame: isTree(tree.window_frame_clause) ? frameOf(tree.window_frame_clause, position, translation) : null,
  };
}

export function namedWindows(value: unknown, position: number, translation: Translation): readonly NamedWindow[] {
  if (!isTree(value)) return [];
  expectKeys(value, 'WINDOW', ['keyword', 'type', 'expr'], position);
  return listOf(value.expr)
    .filter(isTree)
    .map((entry) => {
      expectKeys(entry, 'WINDOW', ['name', 'as_window_specification'], position);
      const specification = windowOf(entry.as_window_specification, position, translation);
      if (specification.kind === 'windowName') throw untranslatable('a window that is another one', position);
      return { position, end: position, name: identifier(nameOf(entry.name), position), specification };
    });
}

/** `rows 2 preceding` or `rows between … and …`; the package hands bounds over as texts such as "2 PRECEDING". */
function frameOf(tree: Tree, position: number, translation: Translation): WindowFrame {
  const base = { position, end: position, exclude: 'noOthers' } as const;
  if (tree.type === 'binary_expr') {
    expectKeys(tree, 'a frame', ['type', 'operator', 'left', 'right'], position);
    translation.saw('BETWEEN');
    const [start, finish] = listOf(childOf(tree, 'right')?.value);
    return {
      ...base,
      unit: unitOf(nameOf(tree.left), position),
      start: boundOf(start, position, translation),
      finish: boundOf(finish, position, translation),
    };
  }
  expectKeys(tree, 'a frame', ['type', 'expr'], position);
  return {
    ...base,
    unit: unitOf(textOf(tree.type), position),
    start: boundOf(tree.expr, position, translation),
    finish: { kind: 'currentRow' },
  };
}

function unitOf(word: string, position: number): WindowFrame['unit'] {
  const unit = word.toLowerCase();
  if (unit !== 'rows' && unit !== 'range' && unit !== 'groups') throw untranslatable(`a frame of ${word}`, position);
  return unit;
}

function boundOf(value: unknown, position: number, translation: Translation): FrameBound {
  const words = nameOf(value).trim().toUpperCase();
  if (words === 'CURRENT ROW') return { kind: 'currentRow' };
  if (words === 'UNBOUNDED PRECEDING') return { kind: 'unboundedPreceding' };
  if (words === 'UNBOUNDED FOLLOWING') return { kind: 'unboundedFollowing' };
  const match = /^(\d+(?:\.\d+)?) (PRECEDING|FOLLOWING)$/.exec(words);
  if (!match)
    throw untranslatable(
      `the frame bound ${words === '' ? textOf(isTree(value) ? value.type : value) : words}`,
      translation.positionOf(value, position),
    );
  return { kind: match[2] === 'PRECEDING' ? 'preceding' : 'following', offset: number(match[1] ?? '0', position) };
}
