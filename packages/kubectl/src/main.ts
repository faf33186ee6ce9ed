#!/usr/bin/env node
// Room: `kubectl azure-pod-identity`: what administrators and developers ask about their cluster, from their own machine.
// It must not write to a cluster, except in `migrate --apply`, or decide anything that policy, mic and nmi decide.
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
