import { expect, test } from 'vitest';
import { compileKernels, KERNEL_MODULES } from '../../native-free/kernels.js';

test('no kernel name is exported by two modules, as all of them share one table', () => {
  const owners = new Map<string, string[]>();
  compileKernels().forEach((module, i) => {
    const memory = new WebAssembly.Memory({ initial: 16, maximum: 65536, shared: true });
    const instance = new WebAssembly.Instance(module, { env: { memory, abort: () => undefined } });
    for (const name of Object.keys(instance.exports)) owners.set(name, [...(owners.get(name) ?? []), KERNEL_MODULES[i] ?? '']);
  });
  expect(owners.size).toBeGreaterThan(300);
  expect([...owners].filter(([name, modules]) => name !== 'memory' && modules.length > 1)).toEqual([]);
});
