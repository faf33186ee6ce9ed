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
 * Rules that were written with iptables. While NMI runs they do nothing, since those of NMI come first; without NMI they lead pods to a port
 * where nobody listens. nft can remove what iptables has written to nf_tables, and does not see what is in the tables of iptables-legacy.
 */
export function createIptablesChains(run: RunProgram) {
  const list = (table: string, chain: string) =>
    run('nft', ['--handle', '--stateless', 'list', 'chain', 'ip', table, chain]).catch((error: unknown) => {
      if (isAbsent(error)) return '';
      throw error;
    });

  const removal = async (): Promise<readonly string[]> => {
    const lines: string[] = [];
    for (const [table, builtIn] of Object.entries(hooks)) {
      for (const hook of builtIn)
        for (const [, handle] of (await list(table, hook)).matchAll(jump))
          lines.push(`delete rule ip ${table} ${hook} handle ${handle}`);
      for (const chain of chains)
        if ((await list(table, chain)) !== '')
          lines.push(`flush chain ip ${table} ${chain}`, `delete chain ip ${table} ${chain}`);
    }
    return lines;
  };

  return {
    hasRules: async () => (await removal()).length > 0,
    /** In one transaction. Returns whether there were any. */
    async remove(): Promise<boolean> {
      const lines = await removal();
      if (lines.length > 0) await run('nft', ['--file', '-'], `${lines.join('\n')}\n`);
      return lines.length > 0;
    },
  };
}

const jump = new RegExp(` jump (?:${chains.join('|')}) # handle (\\d+)$`, 'gm');
