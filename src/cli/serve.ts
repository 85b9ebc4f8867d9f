/** `fletch serve`: the server until a signal ends it. */
import { DbError } from '../core/errors.js';
import type { CommandLine } from './config.js';
import { type Io, write } from './io.js';

const SECOND_SIGNAL_EXIT_CODE = 130;

export async function runServe(line: CommandLine, io: Io): Promise<number> {
  if (line.positionals.length > 0)
    throw new DbError('invalid_argument', `serve takes no ${line.positionals[0]}`, { hint: 'the folder is given as --path DIR' });
  const { startServer } = await import('../server.js');
  const server = await startServer(line.settings);
  const host = line.settings.host.includes(':') ? `[${line.settings.host}]` : line.settings.host;
  await write(io.output, `http  http://${host}:${server.httpPort}\n`);
  if (server.flightPort !== null) await write(io.output, `flight grpc://${host}:${server.flightPort}\n`);
  // The threads start when the doors already answer: on few cores they would only delay them.
  server.engine.warmUp();
  await nextSignal();
  // A second signal does not wait for the drain.
  const impatient = () => process.exit(SECOND_SIGNAL_EXIT_CODE);
  process.once('SIGINT', impatient).once('SIGTERM', impatient);
  await server.close();
  return 0;
}

function nextSignal(): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      process.off('SIGINT', end).off('SIGTERM', end);
      resolve();
    };
    process.on('SIGINT', end).on('SIGTERM', end);
  });
}
