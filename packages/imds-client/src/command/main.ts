#!/usr/bin/env node
import { run } from './run.ts';

// A reader that ended, as of `| head`, needs no more.
process.stdout.on('error', () => process.exit(1));

void run({
  argv: process.argv.slice(2),
  env: process.env,
  print: (text) => void process.stdout.write(text),
  printError: (text) => void process.stderr.write(text),
  elapsed: () => performance.now(),
}).then((code) => {
  process.exitCode = code;
});
