// npm run e2e: all end-to-end tests; with --kubeconfig those that any cluster of Azure can run.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { environmentOf, parseGiven } from './given.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kubeconfig: { type: 'string' },
    images: { type: 'string' },
    identity: { type: 'string', multiple: true },
  },
});

if (Object.keys(values).length === 0) {
  process.exitCode = await run({});
} else {
  const { kubeconfig } = values;
  const given = parseGiven({ ...values, kubeconfig: kubeconfig && resolve(kubeconfig) });
  if ('problems' in given) {
    for (const problem of given.problems) console.error(problem);
    process.exitCode = 2;
  } else {
    console.error(
      'Skipped, as they need a shell on the nodes: what bypasses NMI, rules of the firewall, an address that another pod gets, a restart of a node or of the API server.',
    );
    process.exitCode = await run(environmentOf(given));
  }
}

async function run(env: Readonly<Record<string, string>>): Promise<number> {
  const child = spawn('vitest', ['run', '--project', 'e2e', ...positionals], {
    env: { ...process.env, ...env },
    stdio: 'inherit',
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}
