import { isAbsent } from './nftables.ts';
import type { RunProgram } from './run-program.ts';

/** The chain of the original, which was that of our first versions too, and that of versions of ours that could use iptables. */
const chains = ['aad-metadata', 'aad-pod-identity'];
const hooks = {
  nat: ['PREROUTING', 'OUTPUT'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  mangle: ['PREROUTING'],
} as const;

/**
 * Removes rules that were written with iptables, in one transaction; returns whether there were any. While NMI runs they do nothing, since those of NMI
 * come first; without NMI they lead pods to a port where nobody listens. nft can remove what iptables has written to nf_tables, and does not
 * see what is in the tables of iptables-legacy.
 */
export async function removeIptablesChains(run: RunProgram): Promise<boolean> {
  const lines: string[] = [];
  for (const [table, builtIn] of Object.entries(hooks)) {
    for (const hook of builtIn)
      for (const [, handle] of (await list(run, table, hook)).matchAll(jump))
        lines.push(`delete rule ip ${table} ${hook} handle ${handle}`);
    for (const chain of chains)
      if ((await list(run, table, chain)) !== '')
        lines.push(`flush chain ip ${table} ${chain}`, `delete chain ip ${table} ${chain}`);
  }
  if (lines.length > 0) await run('nft', ['--file', '-'], `${lines.join('\n')}\n`);
  return lines.length > 0;
}

async function list(run: RunProgram, table: string, chain: string): Promise<string> {
  try {
    return await run('nft', ['--handle', '--stateless', 'list', 'chain', 'ip', table, chain]);
  } catch (error) {
    if (isAbsent(error)) return '';
    throw error;
  }
}

const jump = new RegExp(` jump (?:${chains.join('|')}) # handle (\\d+)$`, 'gm');
