/** `fletch repair`: says what is damaged and what would be lost by leaving it out; with --apply it is left out, and set aside. */
import { resolve } from 'node:path';
import { runCheck } from './check.js';
import type { CommandLine, FlagTable } from './config.js';
import { type Io, write } from './io.js';

export const REPAIR_FLAGS = {
  apply: { type: 'boolean', doc: 'Leave out what is damaged, and set it aside. Without it nothing is changed.' },
} as const satisfies FlagTable;

/** Exit code 1 when something is damaged and has not been repaired. */
export async function runRepair(line: CommandLine, io: Io): Promise<number> {
  const { repairDatabaseFolder } = await import('../database.js');
  const { damageText } = await import('../storage/repair/damage.js');
  const apply = line.flags.apply === true;
  const { damages, setAside, folder } = await repairDatabaseFolder(line.settings, apply);
  if (damages.length === 0) {
    await write(io.output, `all is sound in ${resolve(line.settings.path)}\n`);
    return 0;
  }
  for (const damage of damages) await write(io.output, `${damageText(damage)}\n`);
  const files = `${setAside.length} ${setAside.length === 1 ? 'file' : 'files'}`;
  if (!apply) {
    await write(io.output, `nothing is changed: fletch repair --apply leaves this out and moves ${files} to ${folder}\n`);
    return 1;
  }
  await write(io.output, `${files} and a copy of the catalog are in ${folder}\n`);
  return runCheck(line, io);
}
