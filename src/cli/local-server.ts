/** The server that a command works through: one that runs, or, for a folder, one that listens on a free port for the moment. */
import type { Settings } from '../core/settings.js';

export interface LocalServer {
  readonly url: string;
  close(): Promise<void>;
}

/** url: of a server that runs; else `settings` say which folder. */
export async function serverFor(url: unknown, settings: Settings): Promise<LocalServer> {
  return typeof url === 'string' ? { url, close: async () => undefined } : localServer(settings);
}

async function localServer(settings: Settings): Promise<LocalServer> {
  const { openDatabase } = await import('../database.js');
  const { startHttp } = await import('../http/server.js');
  const engine = await openDatabase(settings);
  const http = await startHttp(engine, { host: '127.0.0.1', port: 0, settings });
  const close = async () => {
    await http.close(0);
    await engine.close();
  };
  return { url: `http://127.0.0.1:${http.port}`, close };
}
