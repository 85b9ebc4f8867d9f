import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pythonPath, ROOT, type ServerProcess, startServerProcess } from './server.js';

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'fletch-readme-'));
let server: ServerProcess;

/** The text of the first fenced part in a language. */
function fenced(language: string): string {
  const match = new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(readme);
  if (!match?.[1]) throw new Error(`README has no ${language} part`);
  return match[1];
}

beforeAll(async () => {
  server = await startServerProcess(['--path', folder]);
});

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("the README's Python session prints what the README shows", () => {
  const program = fenced('python').replace('grpc://127.0.0.1:8815', server.flightUrl);
  const { status, stdout, stderr } = spawnSync(pythonPath(), ['-c', program], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toBe(fenced('text'));
});

test("the README's curl answers with the columns, types and data that the README shows", async () => {
  const sql = /-d "(SELECT sym, vwap.*)"/.exec(readme)?.[1] ?? '';
  const answer = await (await fetch(server.httpUrl, { method: 'POST', body: sql })).text();
  expect(answer.startsWith(fenced('json').split(', …')[0] ?? '?')).toBe(true);
});
