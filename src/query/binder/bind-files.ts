/** Several files as one relation: those that a pattern or a list names, one after the other. */
import { DbError } from '../../core/errors.js';
import { type DataType, UTF8 } from '../../core/types.js';
import type { GivenFileOptions } from '../../formats/files/file-options.js';
import { isPattern } from '../files/file-patterns.js';
import { commonType } from '../functions/types.js';
import type { Expression } from '../plan/expression.js';
import type { FilePlan, LogicalPlan, OutputColumn } from '../plan/logical.js';
import { argumentOf, castTo } from './coercion.js';
import type { BindContext } from './context.js';
import { columnOf, literal } from './expressions.js';
import { projectPlan } from './plans.js';

export interface FilesOptions {
  readonly given: GivenFileOptions;
  /** True: columns of all files, NULL where a file has none of that name; else those of the first file. */
  readonly byName: boolean;
  /** Name of a column that says which file a row is of; null = none. */
  readonly fileName: string | null;
}

/** Names are files or patterns. */
export function filesPlan(names: readonly string[], options: FilesOptions, position: number, context: BindContext): LogicalPlan {
  const paths = names.flatMap((name) => (isPattern(name) ? context.files().pathsOf(name, position) : [name]));
  if (paths.length === 0) throw new DbError('invalid_argument', 'a list of files names at least one', { position });
  const requests = paths.map((path) => ({ path, given: options.given, position }));
  const plans = context
    .files()
    .rowsOfAll(requests)
    .map((source): FilePlan => {
      const output = source.fields.map((field) => ({ ...field, id: context.nextId() }));
      return { kind: 'file', source, columnIndexes: output.map((_, i) => i), output };
    });
  const [first] = plans;
  if (plans.length === 1 && first && options.fileName === null) return first;
  const shape = shapeOf(plans, options);
  const inputs = plans.map((plan, i) => shaped(plan, paths[i] ?? '', shape, options, position, context));
  const output = (inputs[0] as LogicalPlan).output.map((column, i) => ({
    ...column,
    id: context.nextId(),
    nullable: inputs.some((input) => input.output[i]?.nullable ?? true),
  }));
  return { kind: 'union', inputs, output };
}

interface ShapeColumn {
  readonly name: string;
  readonly type: DataType;
}

/** Text takes in what has no common type: cells of CSV and JSON are read as what they look like. */
function shapeOf(plans: readonly FilePlan[], { byName }: FilesOptions): readonly ShapeColumn[] {
  const names = new Map<string, string>();
  for (const plan of byName ? plans : plans.slice(0, 1)) {
    for (const column of plan.output) if (!names.has(column.name.toLowerCase())) names.set(column.name.toLowerCase(), column.name);
  }
  return [...names].map(([key, name]) => {
    const own = plans.flatMap((plan) => named(plan, key) ?? []);
    const type = commonType(own.map((column) => argumentOf(columnOf(column)))) ?? UTF8;
    return { name, type: type.kind === 'null' ? UTF8 : type };
  });
}

function named(plan: FilePlan, lowerName: string): OutputColumn | undefined {
  return plan.output.find((column) => column.name.toLowerCase() === lowerName);
}

function shaped(
  plan: FilePlan,
  path: string,
  shape: readonly ShapeColumn[],
  { byName, fileName }: FilesOptions,
  position: number,
  context: BindContext,
): LogicalPlan {
  const columns = shape.map(({ name, type }) => {
    const own = named(plan, name.toLowerCase());
    if (!own && !byName) {
      throw new DbError('column_not_found', `${path} has no column ${name}, as the first file has`, {
        position,
        hint: 'union_by_name => true gives NULL where a file lacks a column',
      });
    }
    const value: Expression = own ? { ...columnOf(own), position } : literal(null, type);
    return { id: context.nextId(), name, expression: own ? castTo(value, type) : value };
  });
  const which = fileName === null ? [] : [{ id: context.nextId(), name: fileName, expression: literal(path, UTF8) }];
  return projectPlan(plan, [...columns, ...which]);
}
