/** What a table's options say of compaction; the settings of the same names say it for all tables. */
import type { TableDefinition } from '../../core/contracts.js';
import { parseSetting, type Settings } from '../../core/settings.js';

const NAMES = ['compaction', 'compaction_fan_in', 'compaction_late_percent', 'compaction_deleted_percent'] as const;

export interface CompactionOptions {
  readonly isOn: boolean;
  readonly fanIn: number;
  readonly lateShare: number;
  readonly deletedShare: number;
}

/** Fails with `invalid_argument` for an option that is no value of its setting. */
export function checkCompactionOptions({ options }: TableDefinition): void {
  for (const name of NAMES) {
    const given = options[name];
    if (given !== undefined) parseSetting(name, given);
  }
}

export function compactionOf({ options }: TableDefinition, settings: Settings): CompactionOptions {
  const own = <Name extends (typeof NAMES)[number]>(name: Name): Settings[Name] => {
    const given = options[name];
    return given === undefined ? settings[name] : parseSetting(name, given);
  };
  return {
    isOn: own('compaction'),
    fanIn: own('compaction_fan_in'),
    lateShare: own('compaction_late_percent') / 100,
    deletedShare: own('compaction_deleted_percent') / 100,
  };
}
