#!/usr/bin/env node
// Room: `kubectl azure-pod-identity`: what administrators and developers ask about their cluster, from their own machine.
// It must not write to a cluster, except in `migrate --apply`, or decide anything that policy, mic and nmi decide.
import { Command } from 'commander';
import manifest from '../package.json' with { type: 'json' };

const program = new Command('kubectl azure-pod-identity')
  .description(manifest.description)
  .version(manifest.version);

await program.parseAsync();
