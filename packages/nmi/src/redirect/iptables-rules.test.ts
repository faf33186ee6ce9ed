import { describe, expect, it } from 'vitest';
import { chain, removalLines, restoreLines, tableNames, wantedTables } from './iptables-rules.ts';

const target = { metadata: { host: '169.254.169.254', port: 80 }, listen: { host: '127.0.0.1', port: 2579 } };
const { nat, filter, mangle } = wantedTables(target);
const [prerouting = '', output = ''] = nat.jumps;
const others = '-A PREROUTING -j KUBE-SERVICES';
const listing = (...rules: readonly string[]) => ({ chains: [chain], rules });

it('E27 the rules are the original’s, in a chain of another name, which it does not delete when it ends', () => {
  expect(chain).not.toBe('aad-metadata');
  expect(nat.rules).toEqual([
    '-A aad-pod-identity ! -s 127.0.0.1/32 -d 169.254.169.254/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 127.0.0.1:2579',
    '-A aad-pod-identity -j RETURN',
  ]);
  expect(prerouting).toBe('-A PREROUTING -j aad-pod-identity');
});

it('W-S3: what was led nowhere is refused, and the loopback addresses stay the node’s own', () => {
  expect([...filter.rules, ...filter.jumps]).toEqual([
    '-A aad-pod-identity -d 169.254.169.254/32 -p tcp -m tcp --dport 80 -j REJECT --reject-with tcp-reset',
    '-A aad-pod-identity -s 169.254.169.254/32 -p tcp -m tcp --sport 80 --dport 2578 -j DROP',
    '-A aad-pod-identity -d 127.0.0.0/8 -m conntrack --ctstate DNAT -j RETURN',
    '-A aad-pod-identity -d 127.0.0.0/8 -m conntrack --ctdir REPLY -j RETURN',
    '-A aad-pod-identity -d 127.0.0.0/8 -j DROP',
    '-A INPUT ! -i lo -j aad-pod-identity',
    '-A FORWARD -j aad-pod-identity',
    output,
  ]);
  const elsewhere = wantedTables({ ...target, listen: { host: '10.240.0.4', port: 2579 } });
  expect(elsewhere.filter.rules).toHaveLength(2);
});

it('what was led nowhere is marked, so that routing leaves it to the filter to refuse', () => {
  expect([...mangle.rules, ...mangle.jumps]).toEqual([
    '-A aad-pod-identity -d 169.254.169.254/32 -p tcp -m tcp --dport 80 -m conntrack ! --ctstate NEW,DNAT -j MARK --set-xmark 0x1000/0x1000',
    '-A PREROUTING ! -i lo -j aad-pod-identity',
  ]);
});

it('makes chain, rules and jumps in one step where there is nothing', () => {
  expect(restoreLines('nat', { chains: [], rules: [] }, target)).toEqual([
    '*nat',
    ':aad-pod-identity - [0:0]',
    ...nat.rules,
    '-I PREROUTING 1 -j aad-pod-identity',
    '-I OUTPUT 1 -d 169.254.169.254/32 -p tcp -m tcp --sport 2578 --dport 80 -j aad-pod-identity',
    'COMMIT',
  ]);
});

it('does nothing when all is as wanted, whatever others have behind it', () => {
  expect(restoreLines('nat', listing(prerouting, others, output, ...nat.rules), target)).toEqual([]);
  expect(restoreLines('filter', listing(...filter.jumps, ...filter.rules), target)).toEqual([]);
});

it.each([
  ['a rule is missing', [prerouting, output, ...nat.rules.slice(1)], []],
  ['a rule too many', [prerouting, output, '-A aad-pod-identity -j ACCEPT', ...nat.rules], []],
  ['the order is wrong', [prerouting, output, ...nat.rules.toReversed()], []],
  [
    'the jump comes second',
    [others, prerouting, output, ...nat.rules],
    ['-D PREROUTING -j aad-pod-identity', '-I PREROUTING 1 -j aad-pod-identity'],
  ],
  [
    'the jump is there twice',
    [prerouting, prerouting, output, ...nat.rules],
    [
      '-D PREROUTING -j aad-pod-identity',
      '-D PREROUTING -j aad-pod-identity',
      '-I PREROUTING 1 -j aad-pod-identity',
    ],
  ],
  [
    'the jump is bound to an interface',
    ['-A PREROUTING -i eth0 -j aad-pod-identity', output, ...nat.rules],
    ['-D PREROUTING -i eth0 -j aad-pod-identity', '-I PREROUTING 1 -j aad-pod-identity'],
  ],
])('puts it right when %s', (_, rules, moves) => {
  expect(restoreLines('nat', listing(...rules), target)).toEqual([
    '*nat',
    ':aad-pod-identity - [0:0]',
    ...nat.rules,
    ...moves,
    'COMMIT',
  ]);
});

it('takes away what is ours and nothing else', () => {
  expect(removalLines('nat', listing(prerouting, others, output, ...nat.rules))).toEqual([
    '*nat',
    '-D PREROUTING -j aad-pod-identity',
    output.replace('-A', '-D'),
    '-F aad-pod-identity',
    '-X aad-pod-identity',
    'COMMIT',
  ]);
  expect(removalLines('nat', { chains: [], rules: [others] })).toEqual([]);
});

describe('rules in a chain of the original’s name', () => {
  const earlier = (rules: readonly string[]) => rules.map((rule) => rule.replaceAll(chain, 'aad-metadata'));
  const [jump = '', probe = ''] = earlier(nat.jumps);
  const originals = [jump, ...earlier(nat.rules)];
  const both = [chain, 'aad-metadata'];

  it('that an earlier version wrote go in the step that writes ours', () => {
    const rules = [...originals, probe];
    expect(restoreLines('nat', { chains: ['aad-metadata'], rules }, target)).toEqual([
      '*nat',
      ':aad-pod-identity - [0:0]',
      ...nat.rules,
      '-I PREROUTING 1 -j aad-pod-identity',
      output.replace('-A OUTPUT', '-I OUTPUT 1'),
      '-D PREROUTING -j aad-metadata',
      probe.replace('-A', '-D'),
      '-F aad-metadata',
      '-X aad-metadata',
      'COMMIT',
    ]);
    for (const name of tableNames) {
      const { jumps, rules: own } = wantedTables(target)[name];
      const right = [...jumps, ...own];
      const listings = [
        { chains: both, rules: [...right, ...earlier(jumps), ...earlier(own)] },
        { chains: [chain], rules: [...right, ...earlier(jumps)] },
      ];
      for (const found of listings) {
        const lines = restoreLines(name, found, target);
        for (const line of earlier(jumps)) expect(lines).toContain(line.replace('-A', '-D'));
        expect(lines.includes('-X aad-metadata')).toBe(found.chains === both);
      }
    }
  });

  it('that the original wrote are left to it, before ours is there and afterwards', () => {
    expect(restoreLines('nat', { chains: ['aad-metadata'], rules: originals }, target).join()).not.toContain(
      'aad-metadata',
    );
    const rules = [prerouting, ...originals, output, ...nat.rules];
    expect(restoreLines('nat', { chains: both, rules }, target)).toEqual([]);
  });

  it('go when ours are taken away, whoever wrote them', () => {
    const rules = [prerouting, ...originals, output, ...nat.rules];
    expect(removalLines('nat', { chains: both, rules })).toEqual([
      '*nat',
      '-D PREROUTING -j aad-pod-identity',
      output.replace('-A', '-D'),
      '-F aad-pod-identity',
      '-X aad-pod-identity',
      '-D PREROUTING -j aad-metadata',
      '-F aad-metadata',
      '-X aad-metadata',
      'COMMIT',
    ]);
  });
});
