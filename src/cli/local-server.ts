/** A folder is read and written through the same door as a server: one that listens on a free port for the moment. */
import type { Settings } from '../core/settings.js';

export interface LocalServer {
  readonly url: string;
  close(): Promise<void>;
}

export async function localServer(settings: Settings): Promise<LocalServer> {
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
