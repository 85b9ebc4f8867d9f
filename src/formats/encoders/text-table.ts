/**
 * Tables for people: `pretty` (boxes) and `markdown`. Column widths come from the first SAMPLE_ROWS rows; a wider value further down makes
 * its own line longer, so no row is ever cut or left out.
 */
import type { Arena } from '../../core/arena.js';
import type { Batch } from '../../core/batch.js';
import { type Field, isNumeric, type Schema, typeName } from '../../core/types.js';
import { valueAt } from '../../core/values.js';
import type { Output } from './output.js';
import type { MakeEncoder, ResultSummary } from './result-encoder.js';
import { plainText } from './value-text.js';

const SAMPLE_ROWS = 1000;

interface TableStyle {
  readonly head: (names: readonly string[], types: readonly string[], widths: readonly number[], right: readonly boolean[]) => string;
  readonly row: (cells: readonly string[], widths: readonly number[], right: readonly boolean[]) => string;
  readonly foot: (widths: readonly number[], summary: ResultSummary) => string;
  readonly escape: (text: string) => string;
  readonly showsTypes: boolean;
}

const CONTROL: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function visible(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f]/g, (c) => CONTROL[c] ?? `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** Columns on a terminal: combining marks take none, East Asian wide characters and emoji two. */
function displayWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) {
    if (/\p{Mark}|\u200d|\ufe0f/u.test(character)) continue;
    width +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u.test(
        character,
      )
        ? 2
        : 1;
  }
  return width;
}

function pad(text: string, width: number, right: boolean): string {
  const spaces = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return right ? spaces + text : text + spaces;
}

const rule = (widths: readonly number[], left: string, middle: string, right: string) =>
  `${left}${widths.map((width) => '─'.repeat(width + 2)).join(middle)}${right}\n`;

const boxRow = (cells: readonly string[], widths: readonly number[], right: readonly boolean[]) =>
  `│${cells.map((cell, i) => ` ${pad(cell, widths[i] ?? 0, right[i] ?? false)} `).join('│')}│\n`;

const PRETTY: TableStyle = {
  head: (names, types, widths, right) =>
    rule(widths, '┌', '┬', '┐') + boxRow(names, widths, right) + boxRow(types, widths, right) + rule(widths, '├', '┼', '┤'),
  row: boxRow,
  foot: (widths, summary) => `${rule(widths, '└', '┴', '┘')}${summary.rows} row${summary.rows === 1 ? '' : 's'}\n`,
  escape: visible,
  showsTypes: true,
};

const pipeRow = (cells: readonly string[], widths: readonly number[], right: readonly boolean[]) =>
  `| ${cells.map((cell, i) => pad(cell, widths[i] ?? 0, right[i] ?? false)).join(' | ')} |\n`;

const MARKDOWN: TableStyle = {
  head: (names, _types, widths, right) =>
    `${pipeRow(names, widths, right)}|${widths.map((width, i) => `${'-'.repeat(width + 1)}${right[i] ? ':' : '-'}`).join('|')}|\n`,
  row: pipeRow,
  foot: () => '',
  escape: (text) => visible(text).replaceAll('|', '\\|'),
  showsTypes: false,
};

export const prettyEncoder: MakeEncoder = (arena, schema) => new TextTable(arena, schema, PRETTY);
export const markdownEncoder: MakeEncoder = (arena, schema) => new TextTable(arena, schema, MARKDOWN);

class TextTable {
  private readonly arena: Arena;
  private readonly fields: readonly Field[];
  private readonly style: TableStyle;
  private readonly names: readonly string[];
  private readonly types: readonly string[];
  private readonly right: readonly boolean[];
  private sample: string[][] = [];
  private widths: number[] | undefined;

  constructor(arena: Arena, schema: Schema, style: TableStyle) {
    this.arena = arena;
    this.fields = schema.fields;
    this.style = style;
    this.names = schema.fields.map((field) => style.escape(field.name));
    this.types = schema.fields.map((field) => typeName(field.type));
    this.right = schema.fields.map((field) => isNumeric(field.type));
  }

  async begin(): Promise<void> {
    this.sample = [];
  }

  async batch(batch: Batch, output: Output): Promise<void> {
    for (let row = 0; row < batch.rowCount; row++) {
      const cells = batch.columns.map((vector, i) =>
        this.style.escape(plainText((this.fields[i] as Field).type, valueAt(this.arena, vector, row))),
      );
      if (this.widths) await output.text(this.style.row(cells, this.widths, this.right));
      else if (this.sample.push(cells) === SAMPLE_ROWS) await this.writeSample(output);
    }
  }

  private async writeSample(output: Output): Promise<void> {
    const { style, right } = this;
    const widths = this.names.map((name, i) =>
      this.sample.reduce(
        (width, cells) => Math.max(width, displayWidth(cells[i] ?? '')),
        Math.max(3, displayWidth(name), style.showsTypes ? displayWidth(this.types[i] ?? '') : 0),
      ),
    );
    await output.text(style.head(this.names, this.types, widths, right));
    for (const cells of this.sample.splice(0)) await output.text(style.row(cells, widths, right));
    this.widths = widths;
  }

  async end(summary: ResultSummary, output: Output): Promise<void> {
    if (this.fields.length === 0) {
      return await output.text(summary.affectedRows === null ? 'OK\n' : `OK, ${summary.affectedRows} rows\n`);
    }
    if (!this.widths) await this.writeSample(output);
    await output.text(this.style.foot(this.widths ?? [], summary));
  }

  release(): void {
    this.sample = [];
  }
}
