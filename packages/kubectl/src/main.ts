#!/usr/bin/env node
// The process: arguments, environment and standard output.
import { createLog, printWhole, runProcess, systemClock } from '@pod-identity/kit/serve';
import manifest from '../package.json' with { type: 'json' };
import { commands } from './commands.ts';
import { run } from './cli/run.ts';
import { terminalOf } from './print/output.ts';

const { argv, env, stdout } = process;
const { description, version } = manifest;

await runProcess({
  log: createLog({
    component: 'kubectl',
    level: 'error',
    destination: { write: (line) => console.error(line.trimEnd()) },
  }),
  graceMs: 2_000,
  run: (signal) =>
    run({
      argv: argv.slice(2),
      env,
      version,
      description,
      commands,
      print: (line) => printWhole(`${line}\n`),
      complain: console.error,
      terminal: terminalOf(stdout, env),
      clock: systemClock,
      signal,
    }),
});
