import type { Log } from '@pod-identity/kit/serve';
import type { NmiConfig } from '../config/config.ts';
import type { Firewall } from './firewall.ts';
import type { Iptables } from './iptables.ts';
import { isBusy, ProgramError } from './run-program.ts';

export interface Firewalls {
  readonly nftables: Firewall;
  readonly iptables: readonly Iptables[];
}

export interface ChoiceOptions extends Firewalls {
  readonly by: NmiConfig['firewall']['by'];
  readonly log: Log;
}

/**
 * The firewall for the rules, chosen at first use. When it has them, rules in the others, from another setting, an earlier version or
 * the original, are removed.
 */
export function chooseFirewall(options: ChoiceOptions): Firewall {
  const { by, log } = options;
  let chosen: Firewall | undefined;
  let isTidy = false;
  const choice = async (): Promise<Firewall> => {
    if (chosen === undefined) {
      chosen = await choose(options);
      log.info({ firewall: chosen.name }, 'firewall chosen');
    }
    return chosen;
  };

  return {
    get name() {
      return chosen?.name ?? by;
    },
    whyUnusable: async () => (await choice()).whyUnusable(),
    async isRight() {
      const firewall = await choice();
      if (!(await firewall.isRight())) return false;
      if (isTidy) return true;
      const { removed, isDone } = await removeFromOthers(firewall, options);
      isTidy = isDone;
      // Another agent on this node may have removed our rules meanwhile: checks again.
      return removed === 0 || firewall.isRight();
    },
    async install() {
      isTidy = false;
      await (await choice()).install();
    },
    hasRules: async () => (await choice()).hasRules(),
    remove: async () => (await choice()).remove(),
  };
}

async function choose({ by, nftables, iptables }: ChoiceOptions): Promise<Firewall> {
  const candidates = [
    ...(by === 'iptables' ? [] : [nftables]),
    ...(by === 'nftables' ? [] : await mostUsedFirst(iptables)),
  ];
  const reasons: string[] = [];
  for (const candidate of candidates) {
    const why = await candidate.whyUnusable();
    if (why === undefined) return candidate;
    reasons.push(why);
  }
  throw new ProgramError(
    'missing',
    `no firewall can be used (${reasons.join('; ')}): the agent needs the capability NET_ADMIN, user 0 and one of the programs nft and iptables`,
  );
}

/** The number of rules, of kube-proxy and the network plugin, shows which one the node uses. */
async function mostUsedFirst(iptables: readonly Iptables[]): Promise<readonly Iptables[]> {
  const counted: { readonly firewall: Iptables; readonly count: number }[] = [];
  for (const firewall of iptables) counted.push({ firewall, count: await firewall.countRules() });
  return counted.sort((one, other) => other.count - one.count).map(({ firewall }) => firewall);
}

/** Not done if a lock is held: tried again at the next check. */
async function removeFromOthers(keeper: Firewall, { nftables, iptables, log }: ChoiceOptions) {
  let removed = 0;
  let isDone = true;
  // `iptables` is the common name of one of the other two.
  const isSame = ({ name }: Firewall) =>
    name === keeper.name || (name === 'iptables' && keeper.name !== 'nftables');
  for (const other of [nftables, ...iptables].filter((each) => !isSame(each))) {
    const result = await removal(() => other.remove());
    if (result === 'removed') {
      removed += 1;
      log.info(
        { firewall: other.name, keeper: keeper.name },
        'older redirect rules removed from the other firewall',
      );
    } else if (isBusy(result)) isDone = false;
    else if (result instanceof Error)
      log.warn(
        { error: result, firewall: other.name },
        'older redirect rules could not be removed from the other firewall',
      );
  }
  return { removed, isDone };
}

type Removal = 'removed' | 'nothing' | 'no-program' | Error;

export async function removal(remove: () => Promise<boolean>): Promise<Removal> {
  try {
    return (await remove()) ? 'removed' : 'nothing';
  } catch (error) {
    if (error instanceof ProgramError && error.trouble === 'missing') return 'no-program';
    return error instanceof Error ? error : new Error(String(error));
  }
}
