// `bootstrap.mjs e2e`: all end-to-end tests; with --kubeconfig those that any cluster can run, which is left as it was.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { repository } from '../../stage/places.ts';
import { parseGiven } from './given.ts';
import { play } from './play.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kubeconfig: { type: 'string' },
    images: { type: 'string' },
    tag: { type: 'string' },
    identity: { type: 'string', multiple: true },
    'remove-leftovers': { type: 'boolean', default: false },
  },
});
const { 'remove-leftovers': removeLeftovers, ...ofCluster } = values;

if (Object.keys(ofCluster).length === 0 && !removeLeftovers) {
  const vitest = join(repository, 'node_modules/.bin/vitest');
  const files = positionals.length > 0 ? positionals : ['tools/e2e/scenarios/'];
  const child = spawn(vitest, ['run', '--project', 'e2e', '--project', 'rest', ...files], {
    stdio: 'inherit',
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  process.exitCode = code ?? 1;
} else {
  const { kubeconfig } = values;
  const given = parseGiven({ ...ofCluster, kubeconfig: kubeconfig && resolve(kubeconfig) });
  if ('problems' in given) {
    for (const problem of given.problems) console.error(problem);
    process.exitCode = 2;
  } else {
    const interruption = new AbortController();
    // A terminal and npm may both send it: the second one changes nothing, so that the removal ends.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => interruption.abort(signal));
    process.exitCode = await play(given, { removeLeftovers, signal: interruption.signal });
  }
}
