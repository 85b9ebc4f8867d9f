#!/usr/bin/env node
/** The `fletch` command. */
import { runCommandLine } from './command.js';
import { processIo } from './io.js';

// A reader that has gone (`fletch sql … | head`) ends the command quietly.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

// Everything written has been taken when a command ends; what still runs (workers of a server that could not start) must not hold it.
process.exit(await runCommandLine(process.argv.slice(2), processIo()));
