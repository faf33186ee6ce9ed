import { ProgramError, type RunProgram } from './run-program.ts';

export type RuleTable = ReturnType<typeof createNftables>;

/**
 * Keeps the rules in a table of nftables of the family ip. `input` is that of `nft -f -` which replaces the table in one transaction. Versions of nft print rules differently, so the rules are right if they are listed as directly
 * after they were written. The first check of a process always writes them, in one transaction.
 */
export function createNftables(table: string, input: string, run: RunProgram) {
  let asWritten: string | undefined;

  const list = async (): Promise<string | undefined> => {
    try {
      return await run('nft', ['--stateless', 'list', 'table', 'ip', table]);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  };

  return {
    /** Whether all rules exist as they were written. */
    isRight: async () => asWritten !== undefined && (await list()) === asWritten,
    /** Writes all rules in one step: at no moment are there fewer than before. */
    async install(): Promise<void> {
      asWritten = undefined;
      await run('nft', ['--file', '-'], input);
      asWritten = await list();
    },
    /** Removes all rules; returns whether there were any. */
    async remove(): Promise<boolean> {
      if ((await list()) === undefined) return false;
      asWritten = undefined;
      await run('nft', ['--file', '-'], `table ip ${table}\ndelete table ip ${table}\n`);
      return true;
    },
  };
}

export function isAbsent(error: unknown): boolean {
  return error instanceof ProgramError && error.trouble === 'failed' && /no such file/i.test(error.message);
}
