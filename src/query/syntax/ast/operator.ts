/** The operators as the tree spells them. */

export type UnaryOperator = 'not' | '-' | '+' | '~' | '@' | '|/' | '||/';
export type ComparisonOperator = '=' | '<>' | '<' | '<=' | '>' | '>=';
/** `==` is read as `=`, `!=` as `<>`, `**` as `^`. `nearest` occurs only in the condition of an ASOF join. */
export type BinaryOperator =
  | ComparisonOperator
  | '+'
  | '-'
  | '*'
  | '/'
  | '//'
  | '%'
  | '^'
  | '||'
  | '&'
  | '|'
  | '#'
  | '<<'
  | '>>'
  | '~'
  | '~*'
  | '!~'
  | '!~*'
  | '->'
  | '->>'
  | '#>'
  | '#>>'
  | '@>'
  | '<@'
  | '&&'
  | '^@'
  | 'nearest';
/** `~~` is read as like, `~~*` as ilike. */
export type LikeOperator = 'like' | 'ilike' | 'similar' | 'glob';
