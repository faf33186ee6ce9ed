import type { Firewall } from './firewall.ts';
import {
  chain,
  earlierChain,
  hooks,
  removalLines,
  restoreLines,
  tableNames,
  type TableListing,
  type TableName,
} from './iptables-rules.ts';
import { isBusy, ProgramError, whyUnusable, type RunProgram } from './run-program.ts';
import type { RedirectTarget } from './target.ts';

/** A kernel has two firewalls with an iptables interface, and an image can have a program for each. */
export type IptablesProgram = 'iptables-nft' | 'iptables-legacy' | 'iptables';

export interface Iptables extends Firewall {
  /** All rules in the table nat; 0 if it cannot be used. */
  countRules(): Promise<number>;
}

export interface IptablesOptions {
  readonly program: IptablesProgram;
  readonly target: RedirectTarget;
  readonly run: RunProgram;
  /** Listing the rules of an unused firewall would load its kernel modules. */
  readonly isInUse?: () => Promise<boolean>;
}

/** Seconds that the program waits for others to release the lock. */
const wait = ['-w', '5'];

export function createIptables(options: IptablesOptions): Iptables {
  const { program, target, run, isInUse = () => Promise.resolve(true) } = options;
  const list: List = (...args) => run(program, [...wait, ...args]).then(linesOf);
  const restore = (lines: readonly string[]) =>
    run(`${program}-restore`, ['--noflush', ...wait], `${lines.join('\n')}\n`);

  const lookAtAll = async (lines: (name: TableName, listing: TableListing) => readonly string[]) => {
    const all: string[] = [];
    for (const name of tableNames) all.push(...lines(name, await look(name, list)));
    return all;
  };
  const removal = async () => ((await isInUse()) ? lookAtAll(removalLines) : []);
  const missing = () => lookAtAll((name, listing) => restoreLines(name, listing, target));

  return {
    name: program,
    whyUnusable: () => whyUnusable(list('-t', 'nat', '-S', 'PREROUTING')),
    async countRules() {
      if (!(await isInUse())) return 0;
      const rules = await list('-t', 'nat', '-S').catch((error: unknown) => {
        // A program that holds the lock has rules there.
        if (isBusy(error)) throw error;
        return [];
      });
      return rules.filter((line) => line.startsWith('-A ')).length;
    },
    isRight: async () => (await missing()).length === 0,
    async install() {
      const lines = await missing();
      if (lines.length > 0) await restore(lines);
    },
    hasRules: async () => (await removal()).length > 0,
    async remove() {
      const lines = await removal();
      if (lines.length > 0) await restore(lines);
      return lines.length > 0;
    },
  };
}

type List = (...args: string[]) => Promise<string[]>;

/** Lists only the chains that matter: a node can have ten thousand other rules. */
async function look(name: TableName, list: List): Promise<TableListing> {
  const rules: string[] = [];
  for (const hook of hooks[name]) rules.push(...(await list('-t', name, '-S', hook)));
  const chains: string[] = [];
  for (const each of [chain, earlierChain]) {
    const ours = await list('-t', name, '-S', each).catch(noneIfAbsent);
    if (ours.length > 0) chains.push(each);
    rules.push(...ours);
  }
  return { chains, rules };
}

function noneIfAbsent(error: unknown): string[] {
  const isAbsent =
    error instanceof ProgramError && error.exitCode === 1 && /no chain|does not exist/i.test(error.message);
  if (isAbsent) return [];
  throw error;
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
