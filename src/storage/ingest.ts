/** The way in for rows that come with their own schema. */
import type { AppendSession, IngestOptions, IngestService, Storage } from '../core/contracts.js';
import { definitionOfSchema } from '../core/definition-of-schema.js';
import { DbError } from '../core/errors.js';
import type { Schema } from '../core/types.js';

interface IngestTarget extends Pick<Storage, 'createTable'> {
  hasTable(name: string): boolean;
  openSession(name: string, replace: boolean): AppendSession;
}

export class StorageIngest implements IngestService {
  private readonly storage: IngestTarget;

  constructor(storage: IngestTarget) {
    this.storage = storage;
  }

  async open(table: string, schema: Schema, options: IngestOptions): Promise<AppendSession> {
    options.signal?.throwIfAborted();
    if (!this.storage.hasTable(table)) await this.create(table, schema, options);
    const session = this.storage.openSession(table, options.mode === 'replace');
    options.signal?.addEventListener('abort', () => session.abort(), { once: true });
    return session;
  }

  private async create(table: string, schema: Schema, options: IngestOptions): Promise<void> {
    if (!options.create) {
      throw new DbError('table_not_found', `table "${table}" does not exist`, { hint: 'create it first, or ask for it to be created' });
    }
    try {
      await this.storage.createTable(definitionOfSchema(table, schema, options));
    } catch (error) {
      // Another session may have created it meanwhile; its columns are then the ones that count.
      if (!(error instanceof DbError && error.code === 'table_exists')) throw error;
    }
  }
}
