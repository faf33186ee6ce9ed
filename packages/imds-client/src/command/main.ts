#!/usr/bin/env node
import { oneLine } from '../text.ts';
import { systemClock } from '../timers.ts';
import { run } from './run.ts';

// A reader that ended, as of `| head`, needs no more.
process.stdout.on('error', () => process.exit(1));

void run({
  argv: process.argv.slice(2),
  env: process.env,
  print: (text) => void process.stdout.write(text),
  printError: (text) => void process.stderr.write(text),
  now: () => systemClock.now(),
  elapsed: () => performance.now(),
})
  .catch((error: unknown) => {
    process.stderr.write(`${oneLine(`imds-client failed: ${String(error)}`)}\n`);
    return 1;
  })
  .then((code) => {
    process.exitCode = code;
  });
