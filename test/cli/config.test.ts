import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { environmentName, flagHelp, flagName, readCommandLine } from '../../src/cli/config.js';
import { SETTINGS, type SettingName } from '../../src/core/settings.js';

const read = (args: string[], variables: Record<string, string> = {}) => readCommandLine(args, {}, variables);
const names = Object.keys(SETTINGS) as SettingName[];

function configFile(text: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'fletch-config-')), 'fletch.toml');
  writeFileSync(file, text);
  return file;
}

describe('settings', () => {
  test('flag goes before environment, environment before file, file before default', () => {
    const file = configFile('http_port = 1\nflight_port = 1\nthreads = 1\nmemory_limit = "2GB"\nflight = false\n');
    const { settings, given } = read(['--config', file, '--http-port=3'], { FLETCH_HTTP_PORT: '2', FLETCH_FLIGHT_PORT: '2' });
    expect(settings).toMatchObject({ http_port: 3, flight_port: 2, threads: 1, memory_limit: 2e9, flight: false, host: '127.0.0.1' });
    expect([...given].sort()).toEqual(['flight', 'flight_port', 'http_port', 'memory_limit', 'threads']);
  });

  test('booleans are said and unsaid', () => {
    expect(read(['--no-flight', '--insecure']).settings).toMatchObject({ flight: false, insecure: true });
    expect(read([], { FLETCH_FLIGHT: 'off' }).settings.flight).toBe(false);
    expect(read(['--flight'], { FLETCH_FLIGHT: 'off' }).settings.flight).toBe(true);
  });

  test.each(names)('%s has a flag, an environment name and a line of help', (name) => {
    const row = SETTINGS[name];
    const text = row.type === 'boolean' ? 'false' : String(row.default);
    expect(read([], { [environmentName(name)]: text }).given.has(name)).toBe(true);
    expect(read(row.type === 'boolean' ? [`--no-${flagName(name)}`] : [`--${flagName(name)}`, text]).given.has(name)).toBe(true);
    expect(flagHelp({}, [name])).toContain(row.doc);
  });
});

describe('mistakes', () => {
  test.each([
    [['--htp-port', '1'], 'unknown flag --htp-port', 'did you mean --http-port?'],
    [['--http-port'], '--http-port needs a value', undefined],
    [['--http-port', 'x'], 'setting http_port: "x" is not an integer', SETTINGS.http_port.doc],
    [['--threads', '-1'], 'setting threads: -1 is below its minimum 0', undefined],
    [['--config', '/no/such/file'], 'config file /no/such/file cannot be read', undefined],
  ])('%j', (args, message, hint) => {
    let thrown: unknown;
    try {
      read(args);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'invalid_argument', message: expect.stringContaining(message) });
    if (hint !== undefined) expect(thrown).toMatchObject({ hint });
  });

  test('an unknown key of the file is refused with the nearest name, broken TOML with its line', () => {
    expect(() => read(['--config', configFile('http_prot = 1\n')])).toThrow(/unknown key in .*http_prot/);
    expect(() => read(['--config', configFile('http_port = \n')])).toThrow(/is not valid TOML/);
    expect(() => read(['--config', configFile('[http]\nport = 1\n')])).toThrow(/unknown key/);
  });
});
