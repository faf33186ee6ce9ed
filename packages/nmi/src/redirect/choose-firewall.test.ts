import { createLog } from '@pod-identity/kit/serve';
import { expect, it } from 'vitest';
import { chooseFirewall, type ChoiceOptions } from './choose-firewall.ts';
import type { Iptables } from './iptables.ts';
import { ProgramError } from './run-program.ts';

interface Fake extends Iptables {
  has: boolean;
  why: string | undefined;
  count: number;
  trouble: Error | undefined;
}

const fake = (name: string): Fake => {
  const it: Fake = {
    name,
    has: false,
    why: undefined,
    count: 0,
    trouble: undefined,
    whyUnusable: () => Promise.resolve(it.why),
    countRules: () => (it.trouble ? Promise.reject(it.trouble) : Promise.resolve(it.count)),
    isRight: () => Promise.resolve(it.has),
    hasRules: () => Promise.resolve(it.has),
    install: () => Promise.resolve(void (it.has = true)),
    remove: () => {
      if (it.trouble) return Promise.reject(it.trouble);
      const had = it.has;
      it.has = false;
      return Promise.resolve(had);
    },
  };
  return it;
};

const stage = (by: ChoiceOptions['by'] = 'auto') => {
  const [nftables, nft, legacy, plain] = [
    fake('nftables'),
    fake('iptables-nft'),
    fake('iptables-legacy'),
    fake('iptables'),
  ];
  const lines: string[] = [];
  const log = createLog({ component: 'nmi', destination: { write: (line) => lines.push(line) } });
  const firewall = chooseFirewall({ by, nftables, iptables: [nft, legacy, plain], log });
  return { firewall, legacy, lines, nft, nftables, plain };
};

it.each([
  ['auto', {}, 'nftables'],
  ['auto', { nftables: 'nft is not there' }, 'iptables-nft'],
  ['auto', { nftables: 'no', 'iptables-nft': 'no', 'iptables-legacy': 'no' }, 'iptables'],
  ['iptables', {}, 'iptables-nft'],
  ['iptables', { 'iptables-nft': 'no' }, 'iptables-legacy'],
  ['nftables', {}, 'nftables'],
] as const)('%s, where %j cannot be used, is %s', async (by, why: Record<string, string>, name) => {
  const { firewall, nftables, nft, legacy, plain } = stage(by);
  for (const each of [nftables, nft, legacy, plain]) each.why = why[each.name];
  await firewall.install();
  expect(firewall.name).toBe(name);
});

it('iptables is the one of the two that has the rules of the node', async () => {
  const { firewall, legacy, nft } = stage('iptables');
  Object.assign(legacy, { count: 300 });
  Object.assign(nft, { count: 2 });
  await firewall.install();
  expect(firewall.name).toBe('iptables-legacy');
});

it('does not choose the other one because the first is busy', async () => {
  const { firewall, legacy } = stage('iptables');
  legacy.trouble = new ProgramError('busy', 'xtables lock', 4);
  await expect(firewall.isRight()).rejects.toBe(legacy.trouble);
  Object.assign(legacy, { trouble: undefined, count: 300 });
  await firewall.isRight();
  expect(firewall.name).toBe('iptables-legacy');
});

it('names every reason when none can be used, and what is needed', async () => {
  const { firewall, nftables, nft, legacy, plain } = stage();
  for (const each of [nftables, nft, legacy, plain]) each.why = `${each.name} is not there`;
  await expect(firewall.isRight()).rejects.toThrow(
    /nftables is not there; iptables-nft is not there;.*NET_ADMIN.*nft and iptables/,
  );
});

it('W-S3: rules in the other firewall go only after its own are there', async () => {
  const { firewall, legacy, lines, nft, nftables } = stage();
  legacy.has = true;
  nft.has = true;
  expect(await firewall.isRight()).toBe(false);
  expect([legacy.has, nft.has]).toEqual([true, true]);
  await firewall.install();
  expect([nftables.has, legacy.has, nft.has]).toEqual([true, true, true]);
  expect(await firewall.isRight()).toBe(true);
  expect([nftables.has, legacy.has, nft.has]).toEqual([true, false, false]);
  expect(lines.filter((line) => line.includes('older redirect rules removed'))).toHaveLength(2);
});

it('looks again when another agent takes its rules away in return', async () => {
  const { firewall, nft, nftables } = stage();
  await firewall.install();
  nft.has = true;
  nft.remove = () => Promise.resolve(!(nftables.has = false));
  expect(await firewall.isRight()).toBe(false);
});

it('tries again to remove what a lock kept it from removing', async () => {
  const { firewall, legacy } = stage();
  await firewall.install();
  legacy.has = true;
  legacy.trouble = new ProgramError('busy', 'xtables lock', 4);
  expect(await firewall.isRight()).toBe(true);
  legacy.trouble = undefined;
  await firewall.isRight();
  expect(legacy.has).toBe(false);
});
