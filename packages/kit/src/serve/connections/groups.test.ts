import { describe, expect, it } from 'vitest';
import { createPace } from '../../core/pace.ts';
import { createFakeClock } from '../../testing/fake-clock.ts';
import { createGroups, type Member } from './groups.ts';

/** Peers are named `group/name`; without a group just `name`. */
const groupOf = (peer: string) => (peer.includes('/') ? peer.split('/', 1)[0] : undefined);

const stage = (over: { requestsPerSecond?: number; connections?: number } = {}) => {
  const clock = createFakeClock(Date.UTC(2026, 0, 1));
  const options = { clock, requestsPerSecond: 1, connections: 10, groupOf, ...over };
  const groups = createGroups(options);
  const pace = (peer: string) =>
    groups.paceOf(peer, createPace({ perSecond: options.requestsPerSecond, now: clock.elapsed() }));
  const held: string[] = [];
  const member = (peer: string, size = 1): Member => ({ peer, size, hold: () => void held.push(peer) });
  /** One request of each pod of a group. */
  const ask = (group: string, pods: number) =>
    Array.from({ length: pods }, (_, index) => pace(`${group}/${index}`).take(clock.elapsed()));
  return { clock, groups, pace, held, member, ask };
};

describe('the pace of a group', () => {
  it('allows it the rate of ten callers, however many it has; others and callers without a group are not affected', () => {
    const { ask, pace, clock } = stage();
    expect(ask('hostile', 49).every((each) => each === 'go')).toBe(true);
    expect(ask('hostile', 20).every((each) => each === 'wait')).toBe(true);
    expect([ask('quiet', 1), pace('alone').take(clock.elapsed())]).toEqual([['go'], 'go']);
  });

  it('is not shared by callers that belong to no group', () => {
    const { pace, clock } = stage();
    const verdicts = Array.from({ length: 100 }, (_, index) => pace(`alone-${index}`).take(clock.elapsed()));
    expect(verdicts.every((each) => each === 'go')).toBe(true);
  });

  it('never refuses: a caller is refused only for its own requests', () => {
    const { ask, pace, clock } = stage();
    expect(ask('hostile', 500)).not.toContain('refuse');
    const own = pace('hostile/one');
    const all = Array.from({ length: 8 }, () => own.take(clock.elapsed()));
    expect(all).toEqual([...Array.from({ length: 6 }, () => 'wait'), 'refuse', 'refuse']);
  });

  it('allows each caller one connection at a time, and none while the group is over its rate', async () => {
    const { ask, pace, clock } = stage();
    const one = pace('hostile/one');
    expect([one.available(clock.elapsed()), one.waitMs(clock.elapsed())]).toEqual([1, 0]);
    ask('hostile', 70);
    expect([one.available(clock.elapsed()), one.waitMs(clock.elapsed())]).toEqual([0, 2_100]);
    await clock.advance(2_100);
    expect([one.available(clock.elapsed()), one.waitMs(clock.elapsed())]).toEqual([1, 0]);
  });

  it('is unlimited if that of callers is', () => {
    const { ask, pace, clock } = stage({ requestsPerSecond: 0 });
    expect(ask('busy', 1_000).every((each) => each === 'go')).toBe(true);
    expect(pace('busy/one').available(clock.elapsed())).toBe(Infinity);
  });
});

describe('a caller that is held', () => {
  it('is held alone while its group is within its rate, and else with all connected callers of its group', () => {
    const { ask, groups, held, member } = stage();
    const all = [
      member('hostile/1'),
      member('hostile/2'),
      member('hostile/3', 0),
      member('quiet/1'),
      member('x'),
    ];
    groups.hold(all[0]!, all);
    expect(held.splice(0)).toEqual(['hostile/1']);
    ask('hostile', 49);
    groups.hold(all[0]!, all);
    expect(held.splice(0)).toEqual(['hostile/1']);
    ask('hostile', 1);
    groups.hold(all[0]!, all);
    expect(held.splice(0)).toEqual(['hostile/1', 'hostile/1', 'hostile/2']);
    groups.hold(all[4]!, all);
    expect(held).toEqual(['x']);
  });
});

describe('the caller that loses a connection', () => {
  const gives = (newcomer: string, sizes: Readonly<Record<string, number>>) => {
    const { groups, member } = stage();
    const all = Object.entries(sizes).map(([peer, size]) => member(peer, size));
    const total = all.reduce((sum, { size }) => sum + size, 0);
    return groups.givesUp(all.find(({ peer }) => peer === newcomer) ?? member(newcomer), total, all)?.peer;
  };

  it.each([
    ['nobody while there is room', 'a/1', { 'a/1': 5, 'b/1': 5 }, undefined],
    ['a group that has more than half: who has most in it', 'a/2', { 'a/1': 5, 'a/2': 1 }, 'a/1'],
    [
      'a group that has more than half: the newcomer, if nobody in it has more',
      'a/2',
      { 'a/1': 3, 'a/2': 3 },
      'a/2',
    ],
    [
      'a group that has more than half: the newcomer, though one that came later has as many',
      'a/1',
      { 'a/1': 3, 'a/2': 3 },
      'a/1',
    ],
    ['not a caller without a group that has more than half', 'x', { x: 6 }, undefined],
    ['the heaviest caller of the heaviest group', 'x', { y: 4, 'a/1': 2, 'a/2': 3, 'b/1': 1, x: 1 }, 'a/2'],
    ['a caller without a group, if it has most', 'x', { y: 5, 'a/1': 2, 'a/2': 2, 'b/1': 1, x: 1 }, 'y'],
    ['the newcomer, if nobody has more', 'x', { x: 4, y: 4, z: 3 }, 'x'],
    ['the newcomer’s group, if none has more', 'a/2', { 'b/1': 5, 'a/1': 3, 'a/2': 2, x: 1 }, 'a/1'],
  ])('%s', (...[, newcomer, sizes, expected]) => {
    expect(gives(newcomer, sizes as Readonly<Record<string, number>>)).toBe(expected);
  });
});
