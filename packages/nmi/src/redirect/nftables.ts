import { ProgramError, type RunProgram } from './run-program.ts';

export interface NftablesTable {
  /** Of the family ip. */
  readonly name: string;
  /** Input of `nft -f -` that replaces the table in one transaction. */
  readonly input: string;
}

export interface RuleTable {
  /** Whether all rules exist as they were written. */
  isRight(): Promise<boolean>;
  /** Writes all rules in one step: at no moment are there fewer than before. */
  install(): Promise<void>;
  /** Removes all rules; returns whether there were any. */
  remove(): Promise<boolean>;
}

/**
 * Keeps the rules in a table of nftables. Versions of nft print rules differently, so the rules are right if they are listed as directly
 * after they were written. The first check of a process always writes them, in one transaction.
 */
export function createNftables({ name: table, input }: NftablesTable, run: RunProgram): RuleTable {
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
    isRight: async () => asWritten !== undefined && (await list()) === asWritten,
    async install() {
      asWritten = undefined;
      await run('nft', ['--file', '-'], input);
      asWritten = await list();
    },
    async remove() {
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
