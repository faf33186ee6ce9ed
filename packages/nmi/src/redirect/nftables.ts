import type { Firewall } from './firewall.ts';
import { ProgramError, whyUnusable, type RunProgram } from './run-program.ts';

export interface NftablesTable {
  /** Of the family ip. */
  readonly name: string;
  /** Input of `nft -f -` that replaces the table in one transaction. */
  readonly input: string;
}

/**
 * Keeps the rules in a table of nftables. Versions of nft print rules differently, so the rules are right if they are listed as directly
 * after they were written. The first check of a process always writes them, in one transaction.
 */
export function createNftables({ name: table, input }: NftablesTable, run: RunProgram): Firewall {
  let asWritten: string | undefined;

  const list = async (): Promise<string | undefined> => {
    try {
      return await run('nft', ['--stateless', 'list', 'table', 'ip', table]);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  };

  const hasRules = async () => (await list()) !== undefined;

  return {
    name: 'nftables',
    // The kernel checks the rules without applying them.
    whyUnusable: () => whyUnusable(run('nft', ['--check', '--file', '-'], input)),
    isRight: async () => asWritten !== undefined && (await list()) === asWritten,
    async install() {
      asWritten = undefined;
      await run('nft', ['--file', '-'], input);
      asWritten = await list();
    },
    hasRules,
    async remove() {
      if (!(await hasRules())) return false;
      asWritten = undefined;
      await run('nft', ['--file', '-'], `table ip ${table}\ndelete table ip ${table}\n`);
      return true;
    },
  };
}

function isAbsent(error: unknown): boolean {
  return error instanceof ProgramError && error.trouble === 'failed' && /no such file/i.test(error.message);
}
