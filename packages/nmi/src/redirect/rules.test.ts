import { expect, it } from 'vitest';
import { restoreInput, wantedRules } from './rules.ts';

const target = { metadata: { host: '169.254.169.254', port: 80 }, listen: { host: '127.0.0.1', port: 2579 } };
const right = wantedRules(target);
const jump = '-A PREROUTING -j aad-metadata';

it('E27 lists as the original’s rules do', () => {
  expect(right).toEqual([
    '-A aad-metadata ! -s 127.0.0.1/32 -d 169.254.169.254/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 127.0.0.1:2579',
    '-A aad-metadata -j RETURN',
  ]);
  expect(wantedRules({ ...target, listen: { host: '0.0.0.0', port: 1 } })[0]).toContain(
    '--to-destination 127.0.0.1:1',
  );
});

it('makes chain, rules and jump in one input', () => {
  expect(restoreInput({ chain: [], prerouting: [] }, target)).toBe(
    ['*nat', ':aad-metadata - [0:0]', ...right, '-I PREROUTING 1 -j aad-metadata', 'COMMIT', ''].join('\n'),
  );
});

it.each([
  ['all is as wanted', right, [jump, '-A PREROUTING -j KUBE-SERVICES'], []],
  ['a rule is missing', right.slice(1), [jump], []],
  ['a rule is another', ['-A aad-metadata -j ACCEPT', ...right], [jump], []],
  ['the order is wrong', right.toReversed(), [jump], []],
  [
    'the jump comes second',
    right,
    ['-A PREROUTING -j KUBE-SERVICES', jump],
    ['-D PREROUTING -j aad-metadata', '-I PREROUTING 1 -j aad-metadata'],
  ],
  [
    'the jump is there twice',
    right,
    [jump, jump],
    ['-D PREROUTING -j aad-metadata', '-D PREROUTING -j aad-metadata', '-I PREROUTING 1 -j aad-metadata'],
  ],
])('when %s', (...[, chain, prerouting, moves]) => {
  const input = restoreInput({ chain, prerouting }, target);
  const isWanted = chain === right && prerouting.length === 2 && moves.length === 0;
  expect(input === undefined).toBe(isWanted);
  expect(input?.split('\n').filter((line) => line.includes('PREROUTING')) ?? []).toEqual(moves);
});
