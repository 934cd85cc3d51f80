#!/usr/bin/env node
import { CliError } from './errors.js';
import { EXIT } from './exit-codes.js';
import { processIo } from './io.js';
import { run } from './main.js';
import { printError } from './output/print-error.js';

/** After a clean stop nothing keeps the process; if something does all the same, it ends this much later. */
const EXIT_MS = 3000;

const io = processIo();

process.on('uncaughtException', (error) => {
  printError(io, new CliError('INTERNAL', error.message, { cause: error }));
  process.exit(EXIT.internal.code);
});

const exitCode = await run(process.argv.slice(2), io);
process.exitCode = exitCode;
if (exitCode === EXIT.interrupted.code || exitCode === EXIT.terminated.code) process.exit();
setTimeout(() => process.exit(), EXIT_MS).unref();
