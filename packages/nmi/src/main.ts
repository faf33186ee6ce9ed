// Room: NMI as a process: main.ts reads arguments and environment, service.ts runs it, agent.ts and app.ts put the rooms together, with token-supply.ts and assemble-access.ts.
// It must not decide anything about a request, except how many wait and how long.
import { flagHelp } from '@pod-identity/kit/core';
import { buildInfo, createLog, runProcess, versionLine } from '@pod-identity/kit/serve';
import manifest from '../package.json' with { type: 'json' };
import { readConfig, type NmiConfig } from './config/config.ts';
import type { startService } from './service.ts';
import { nmiFlags } from './config/flags.ts';

const reading = readConfig({ argv: process.argv.slice(2), env: process.env });
switch (reading.kind) {
  case 'help':
    console.log(flagHelp(nmiFlags, 'nmi: serves Azure tokens to the pods of its node'));
    break;
  case 'version':
    console.log(versionLine('NMI', buildInfo(manifest.version)));
    break;
  case 'problems':
    for (const problem of reading.problems) console.error(`nmi: ${problem}`);
    process.exitCode = 2;
    break;
  case 'config': {
    const log = createLog({ component: 'nmi', ...reading.config.log, ...destinationFor(reading.config) });
    for (const warning of reading.warnings) log.warn({}, warning);
    const start = await startOf(reading.config);
    await runProcess({ log, run: (signal) => start(reading.config, { log, signal }) });
  }
}

/** These commands print to standard output; their log goes to standard error. */
function destinationFor({ command: { kind } }: NmiConfig) {
  return kind === 'check-ready' || kind === 'check-federated'
    ? { destination: { write: (line: string) => void process.stderr.write(line) } }
    : {};
}

/** Imported late: each command loads only what it needs. */
async function startOf({ command }: NmiConfig): Promise<typeof startService> {
  const { kind } = command;
  if (kind === 'broker') return (await import('./broker-service/run.ts')).runBroker;
  if (kind === 'check-federated') {
    const { checkFederatedCommand } = await import('./commands/check-federated.ts');
    return (config, { signal }) => checkFederatedCommand(config, { wanted: command, signal });
  }
  return (await import('./service.ts')).startService;
}
