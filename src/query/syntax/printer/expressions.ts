/** Syntax tree → canonical SQL: expressions. Parentheses stand only where reading the text back needs them. */

import type { Parameter } from '../ast/literal.js';
import type { DataType, Identifier, OrderFlags, QualifiedName, TypeArgument } from '../ast/node.js';
import type {
  Expression,
  FrameBound,
  FunctionCall,
  IntervalLiteral,
  Lambda,
  OrderItem,
  Query,
  Slice,
  Star,
  Struct,
  WindowFrame,
  WindowName,
  WindowSpecification,
} from '../ast/query.js';
import { P, precedenceOf } from '../parser/precedence.js';
import { quoteIdentifier, quoteLabel, quoteString } from '../text.js';
import { LETTERS_OF_UNIT } from '../units.js';

/** Higher than every operator: the node reads as one operand. */
const PRIMARY = 100;

/** Names whose parentheses mean something else in a type. */
const STRUCTURED_TYPES: ReadonlySet<string> = new Set(['list', 'array', 'map', 'row', 'struct']);
const TYPES_OF_TWO_WORDS: ReadonlySet<string> = new Set(['double precision', 'character varying', 'bit varying']);

/** Text that a function would take for a lambda. */
const LOOKS_LIKE_LAMBDA = /^(?:[\w$\u0080-\uffff]+|"(?:[^"]|"")*"|\((?:[\w$\u0080-\uffff, ]|"[^"]*")*\)) ->/;

export abstract class ExpressionPrinter {
  abstract query(query: Query): string;

  /** `node`, in parentheses when it binds more loosely than `minimum`. */
  expression(node: Expression, minimum = 0): string {
    const text = this.bare(node);
    return precedenceOfNode(node) < minimum ? `(${text})` : text;
  }

  protected expressions(nodes: readonly Expression[], minimum = 0): string {
    return nodes.map((node) => this.expression(node, minimum)).join(', ');
  }

  private bare(node: Expression): string {
    switch (node.kind) {
      case 'column':
        return this.name(node.name);
      case 'number':
        return node.text;
      case 'string':
        return quoteString(node.value);
      case 'boolean':
        return node.value ? 'TRUE' : 'FALSE';
      case 'null':
        return 'NULL';
      case 'typedLiteral':
        return `${this.type(node.type)} ${quoteString(node.value)}`;
      case 'interval':
        return this.interval(node);
      case 'duration':
        return node.parts.map((part) => `${part.amount}${LETTERS_OF_UNIT[part.unit]}`).join('');
      case 'blob':
        return `X'${node.hex}'`;
      case 'parameter':
        return this.parameter(node);
      case 'default':
        return 'DEFAULT';
      case 'star':
        return this.star(node);
      case 'columns':
        return `${node.unpacked ? '*' : ''}COLUMNS(${this.argument(node.selector)})`;
      case 'function':
        return this.call(node);
      case 'lambda':
        return this.lambda(node, false);
      case 'subquery':
        return `(${this.query(node.query)})`;
      case 'arraySubquery':
        return `ARRAY(${this.query(node.query)})`;
      case 'exists':
        return `EXISTS (${this.query(node.query)})`;
      default:
        return this.operator(node);
    }
  }

  private operator(node: Expression): string {
    switch (node.kind) {
      case 'unary':
        return this.unary(node.operator, node.operand);
      case 'binary': {
        const precedence = precedenceOf(node.operator);
        const left = this.expression(node.left, precedence === P.comparison ? precedence + 1 : precedence);
        return `${left} ${node.operator.toUpperCase()} ${this.expression(node.right, precedence + 1)}`;
      }
      case 'logical': {
        const minimum = node.operator === 'or' ? P.and : P.not;
        return node.operands.map((operand) => this.expression(operand, minimum)).join(` ${node.operator.toUpperCase()} `);
      }
      case 'is':
        return `${this.expression(node.operand, P.is)} IS ${not(node.negated)}${node.test.toUpperCase()}`;
      case 'distinctFrom':
        return `${this.expression(node.left, P.is)} IS ${not(node.negated)}DISTINCT FROM ${this.expression(node.right, P.comparison)}`;
      case 'quantified': {
        const right = node.right.kind === 'subquery' ? this.expression(node.right) : `(${this.expression(node.right)})`;
        const minimum = precedenceOfNode(node) === P.comparison ? P.pattern : precedenceOfNode(node);
        return `${this.expression(node.left, minimum)} ${QUANTIFIED_WORDS[node.operator] ?? node.operator} ${node.quantifier.toUpperCase()} ${right}`;
      }
      default:
        return this.predicate(node);
    }
  }

  private predicate(node: Expression): string {
    switch (node.kind) {
      case 'between': {
        const symmetric = node.symmetric ? 'SYMMETRIC ' : '';
        const range = `${this.expression(node.low, P.other)} AND ${this.expression(node.high, P.other)}`;
        return `${this.expression(node.operand, P.pattern)} ${not(node.negated)}BETWEEN ${symmetric}${range}`;
      }
      case 'inList':
        return `${this.expression(node.operand, P.pattern)} ${not(node.negated)}IN (${this.expressions(node.items)})`;
      case 'inQuery':
        return `${this.expression(node.operand, P.pattern)} ${not(node.negated)}IN (${this.query(node.query)})`;
      case 'inSet':
        return `${this.expression(node.operand, P.pattern)} ${not(node.negated)}IN ${this.expression(node.set, P.other)}`;
      case 'like': {
        const word = node.operator === 'similar' ? 'SIMILAR TO' : node.operator.toUpperCase();
        const isPlain = node.operator !== 'glob' || node.pattern.kind === 'string';
        const pattern = this.expression(node.pattern, isPlain ? P.other : PRIMARY + 1);
        const escapeWith = node.escape === null ? '' : ` ESCAPE ${this.expression(node.escape, P.other)}`;
        return `${this.expression(node.operand, P.pattern)} ${not(node.negated)}${word} ${pattern}${escapeWith}`;
      }
      case 'atTimeZone':
        return `${this.expression(node.operand, P.atTimeZone)} AT TIME ZONE ${this.expression(node.zone, P.collate)}`;
      case 'collate':
        return `${this.expression(node.operand, P.collate)} COLLATE ${this.name(node.collation)}`;
      default:
        return this.composite(node);
    }
  }

  private composite(node: Expression): string {
    switch (node.kind) {
      case 'case': {
        const operand = node.operand === null ? '' : ` ${this.expression(node.operand)}`;
        const branches = node.branches.map(({ when, then }) => ` WHEN ${this.expression(when)} THEN ${this.expression(then)}`).join('');
        return `CASE${operand}${branches}${node.otherwise === null ? '' : ` ELSE ${this.expression(node.otherwise)}`} END`;
      }
      case 'cast':
        return `${node.isTry ? 'TRY_CAST' : 'CAST'}(${this.expression(node.operand)} AS ${this.type(node.type)})`;
      case 'extract':
        return `EXTRACT(${/^[a-z_]\w*$/.test(node.field) ? node.field : quoteString(node.field)} FROM ${this.expression(node.operand)})`;
      case 'row':
        return `${node.items.length < 2 ? 'ROW' : ''}(${this.expressions(node.items)})`;
      case 'list':
        return `[${this.expressions(node.items)}]`;
      case 'struct':
        return this.struct(node);
      case 'map':
        return `MAP {${node.entries.map(({ key, value }) => `${this.expression(key)}: ${this.expression(value)}`).join(', ')}}`;
      case 'subscript':
        return `${this.postfixOperand(node.operand)}[${this.bracketed(node.index)}]`;
      case 'slice':
        return this.slice(node);
      case 'field':
        return `${this.fieldOperand(node.operand)}.${quoteLabel(node.name.name, node.name.quoted)}`;
      default:
        return '';
    }
  }

  // ---- names and types ----

  /** The first part must read as a name; after a dot any word does. */
  name(name: QualifiedName): string {
    return name.map((part, index) => (index === 0 ? this.identifier(part) : quoteLabel(part.name, part.quoted))).join('.');
  }

  protected identifier(identifier: Identifier): string {
    return quoteIdentifier(identifier.name, identifier.quoted);
  }

  protected label(identifier: Identifier): string {
    return quoteLabel(identifier.name, identifier.quoted);
  }

  protected identifiers(identifiers: readonly Identifier[]): string {
    return identifiers.map((identifier) => this.identifier(identifier)).join(', ');
  }

  type(type: DataType): string {
    switch (type.kind) {
      case 'listType':
        return `${this.type(type.element)}[${type.size ?? ''}]`;
      case 'mapType':
        return `map(${this.type(type.key)}, ${this.type(type.value)})`;
      case 'structType':
        return `struct(${type.fields.map((field) => `${this.label(field.name)} ${this.type(field.type)}`).join(', ')})`;
      case 'namedType': {
        const hasZone = type.schema === null && / with time zone$/.test(type.name);
        const name = hasZone ? type.name.slice(0, -' with time zone'.length) : this.typeName(type.name, type.arguments.length > 0);
        const schema = type.schema === null ? '' : `${quoteIdentifier(type.schema, false)}.`;
        const list = type.arguments.length === 0 ? '' : `(${type.arguments.map((item) => this.typeArgument(item)).join(', ')})`;
        return `${schema}${name}${list}${hasZone ? ' with time zone' : ''}`;
      }
    }
  }

  private typeName(name: string, hasArguments: boolean): string {
    if (TYPES_OF_TWO_WORDS.has(name)) return name;
    return quoteIdentifier(name, (hasArguments && STRUCTURED_TYPES.has(name)) || name !== name.toLowerCase());
  }

  private typeArgument(item: TypeArgument): string {
    if (item.kind === 'type') return this.type(item.type);
    return item.kind === 'string' ? quoteString(item.value) : String(item.value);
  }

  // ---- literals ----

  private interval(node: IntervalLiteral): string {
    const { quantity } = node;
    const isDirect = quantity.kind === 'string' || quantity.kind === 'number' || (quantity.kind === 'parameter' && quantity.type === null);
    const text = isDirect ? this.expression(quantity) : `(${this.expression(quantity)})`;
    const unit = node.unit === null ? '' : ` ${node.unit.toUpperCase()}`;
    return `INTERVAL ${text}${unit}${node.toUnit === null ? '' : ` TO ${node.toUnit.toUpperCase()}`}`;
  }

  private parameter(node: Parameter): string {
    if (node.index !== null) return `$${node.index}`;
    return node.type === null ? `:${node.name ?? ''}` : `{${node.name ?? ''}:${this.type(node.type)}}`;
  }

  private struct(node: Struct): string {
    const fields = node.fields.map(({ name, value }) => `${name.quoted ? quoteString(name.name) : name.name}: ${this.expression(value)}`);
    return `{${fields.join(', ')}}`;
  }

  protected star(node: Star): string {
    const qualifier = node.qualifier.length === 0 ? '' : `${this.name(node.qualifier)}.`;
    const exclude = node.exclude.length === 0 ? '' : ` EXCLUDE (${node.exclude.map((name) => this.name(name)).join(', ')})`;
    const replaced = node.replace.map(({ expression, column }) => `${this.expression(expression)} AS ${this.label(column)}`);
    const renamed = node.rename.map(({ from, to }) => `${this.name(from)} AS ${this.label(to)}`);
    const replace = replaced.length === 0 ? '' : ` REPLACE (${replaced.join(', ')})`;
    return `${qualifier}*${exclude}${replace}${renamed.length === 0 ? '' : ` RENAME (${renamed.join(', ')})`}`;
  }

  // ---- operators ----

  private unary(operator: string, operand: Expression): string {
    if (operator === 'not') return `NOT ${this.expression(operand, P.is)}`;
    const isSign = operator === '-' || operator === '+';
    if (operand.kind === 'unary') return `${operator}(${this.expression(operand)})`;
    return `${operator}${isSign ? '' : ' '}${this.expression(operand, isSign ? P.unary : P.additive)}`;
  }

  /** What may stand directly before `[`. */
  private postfixOperand(node: Expression): string {
    const isDirect = !WORDY_KINDS.has(node.kind) && precedenceOfNode(node) === PRIMARY && !(node.kind === 'function' && hasSuffix(node));
    return isDirect ? this.expression(node) : `(${this.expression(node)})`;
  }

  /** What may stand directly before `.field`: a plain name would become a qualified column, a number a decimal. */
  private fieldOperand(node: Expression): string {
    return node.kind === 'column' || node.kind === 'number' ? `(${this.expression(node)})` : this.postfixOperand(node);
  }

  private slice(node: Slice): string {
    const part = (expression: Expression | null) => (expression === null ? '' : this.bracketed(expression));
    const step = node.step === null ? '' : `: ${part(node.step)}`;
    return `${this.postfixOperand(node.operand)}[${part(node.lower)}: ${part(node.upper)}${step}]`;
  }

  /** Inside brackets a leading colon would begin a slice. */
  private bracketed(node: Expression): string {
    const text = this.expression(node);
    return text.startsWith(':') ? `(${text})` : text;
  }

  // ---- calls and windows ----

  protected call(node: FunctionCall): string {
    const name = node.name.map((part) => this.label(part)).join('.');
    if (node.bare) return name.toUpperCase();
    const isPosition = name.toLowerCase() === 'position';
    const items = node.arguments.map(({ name: label, value }) => {
      const text = isPosition ? this.expression(value, P.other) : this.argument(value);
      return label === null ? text : `${this.label(label)} => ${text}`;
    });
    const inner = node.star ? '*' : `${node.distinct ? 'DISTINCT ' : ''}${items.join(', ')}`;
    const order = node.orderBy.length === 0 ? '' : ` ORDER BY ${this.orderItems(node.orderBy)}`;
    return `${name}(${inner}${order})${this.callSuffix(node)}`;
  }

  private callSuffix(node: FunctionCall): string {
    let text = '';
    if (node.withinGroup.length > 0) text += ` WITHIN GROUP (ORDER BY ${this.orderItems(node.withinGroup)})`;
    if (node.filter !== null) text += ` FILTER (WHERE ${this.expression(node.filter)})`;
    if (node.fromLast) text += ' FROM LAST';
    if (node.nullTreatment !== null) text += ` ${node.nullTreatment.toUpperCase()} NULLS`;
    if (node.over !== null) text += ` OVER ${this.window(node.over)}`;
    return text;
  }

  private argument(value: Expression): string {
    if (value.kind === 'lambda') return this.lambda(value, true);
    const text = this.expression(value);
    return LOOKS_LIKE_LAMBDA.test(text) ? `(${text})` : text;
  }

  /** An arrow where nothing could take it for the JSON operator, else the keyword form. */
  private lambda(node: Lambda, isArgument: boolean): string {
    const body = this.expression(node.body);
    if (!isArgument || !/^[A-Za-z_([{"\u0080-\uffff]/.test(body)) return `LAMBDA ${this.identifiers(node.parameters)}: ${body}`;
    const parameters = node.parameters.length === 1 ? this.identifiers(node.parameters) : `(${this.identifiers(node.parameters)})`;
    return `${parameters} -> ${body}`;
  }

  private window(node: WindowName | WindowSpecification): string {
    return node.kind === 'windowName' ? this.identifier(node.name) : this.windowSpecification(node);
  }

  protected windowSpecification(node: WindowSpecification): string {
    const clauses: string[] = [];
    if (node.base !== null) clauses.push(this.identifier(node.base));
    if (node.partitionBy.length > 0) clauses.push(`PARTITION BY ${this.expressions(node.partitionBy)}`);
    if (node.orderBy.length > 0) clauses.push(`ORDER BY ${this.orderItems(node.orderBy)}`);
    if (node.frame !== null) clauses.push(this.frame(node.frame));
    return `(${clauses.join(' ')})`;
  }

  private frame(frame: WindowFrame): string {
    const exclude = EXCLUSIONS[frame.exclude];
    return `${frame.unit.toUpperCase()} BETWEEN ${this.frameBound(frame.start)} AND ${this.frameBound(frame.finish)}${exclude}`;
  }

  protected frameBound(bound: FrameBound): string {
    switch (bound.kind) {
      case 'unboundedPreceding':
        return 'UNBOUNDED PRECEDING';
      case 'unboundedFollowing':
        return 'UNBOUNDED FOLLOWING';
      case 'currentRow':
        return 'CURRENT ROW';
      default:
        return `${this.quantity(bound.offset)} ${bound.kind.toUpperCase()}`;
    }
  }

  protected quantity(node: Expression): string {
    return this.expression(node, P.other);
  }

  protected orderItems(items: readonly OrderItem[]): string {
    return items.map((item) => `${this.expression(item.expression)}${this.orderFlags(item)}`).join(', ');
  }

  protected orderFlags(flags: OrderFlags): string {
    const nulls = flags.nulls === null ? '' : ` NULLS ${flags.nulls.toUpperCase()}`;
    return `${flags.direction === 'desc' ? ' DESC' : ''}${nulls}`;
  }
}

function not(negated: boolean): string {
  return negated ? 'NOT ' : '';
}

function hasSuffix(node: FunctionCall): boolean {
  return (
    node.over !== null || node.filter !== null || node.withinGroup.length > 0 || node.nullTreatment !== null || node.fromLast || node.bare
  );
}

const EXCLUSIONS = { noOthers: '', currentRow: ' EXCLUDE CURRENT ROW', group: ' EXCLUDE GROUP', ties: ' EXCLUDE TIES' } as const;

const QUANTIFIED_WORDS: Readonly<Record<string, string>> = {
  like: 'LIKE',
  ilike: 'ILIKE',
  notLike: 'NOT LIKE',
  notIlike: 'NOT ILIKE',
};

/** Literals that end in a word, which brackets or a dot would join. */
const WORDY_KINDS: ReadonlySet<Expression['kind']> = new Set(['interval', 'duration', 'star', 'default']);

/** How tightly the printed node holds together. */
function precedenceOfNode(node: Expression): number {
  switch (node.kind) {
    case 'logical':
      return node.operator === 'or' ? P.or : P.and;
    case 'unary':
      return node.operator === 'not' ? P.not : node.operator === '-' || node.operator === '+' ? P.unary : P.other;
    case 'binary':
      return precedenceOf(node.operator);
    case 'quantified':
      return QUANTIFIED_WORDS[node.operator] === undefined ? precedenceOf(node.operator as Parameters<typeof precedenceOf>[0]) : P.pattern;
    case 'is':
    case 'distinctFrom':
      return P.is;
    case 'between':
    case 'inList':
    case 'inQuery':
    case 'inSet':
    case 'like':
      return P.pattern;
    case 'atTimeZone':
      return P.atTimeZone;
    case 'collate':
      return P.collate;
    case 'lambda':
      return 0;
    default:
      return PRIMARY;
  }
}
