import type { Firewall } from './firewall.ts';
import { removeInput, table, tableInput } from './nftables-rules.ts';
import { isBusy, ProgramError, type RunProgram } from './run-program.ts';
import type { RedirectTarget } from './target.ts';

/**
 * Keeps the rules in a table of nftables. How a version of nft prints rules is its own business: right is what reads as it
 * did right after we wrote it. So the first check of a process writes, which nobody notices, for it is one transaction.
 */
export function createNftables(target: RedirectTarget, run: RunProgram): Firewall {
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
    async whyUnusable() {
      try {
        // The kernel looks at all of it and commits nothing.
        await run('nft', ['--check', '--file', '-'], tableInput(target));
        return undefined;
      } catch (error) {
        if (isBusy(error)) return undefined;
        if (error instanceof ProgramError) return error.message;
        throw error;
      }
    },
    isRight: async () => asWritten !== undefined && (await list()) === asWritten,
    async install() {
      asWritten = undefined;
      await run('nft', ['--file', '-'], tableInput(target));
      asWritten = await list();
    },
    hasRules,
    async remove() {
      if (!(await hasRules())) return false;
      asWritten = undefined;
      await run('nft', ['--file', '-'], `table ip ${table}\n${removeInput()}\n`);
      return true;
    },
  };
}

function isAbsent(error: unknown): boolean {
  return error instanceof ProgramError && error.trouble === 'failed' && /no such file/i.test(error.message);
}
