import { describe, expect, it } from 'vitest';
import { alive, facts, hostOf, idOf, instanceOf, now } from '../../plan/test/builders.ts';
import {
  listedUnapplied,
  unappliedAfter,
  updateReadMs,
  withApplied,
  withoutIds,
  withSent,
} from './unapplied.ts';
import { createFacts } from './host-facts.ts';

const host = hostOf(instanceOf('vmss1'));
const [a, b, c] = [idOf('a'), idOf('b'), idOf('c')];
const waiting = (...ids: (typeof a)[]) => ({ ...facts(host, ['a', 'b']), unapplied: new Set(ids) });

describe('what was sent and is not known to have succeeded', () => {
  it('is on record before the PATCH, each once, and what is on record already changes nothing', () => {
    expect([...withSent(waiting(a), [a, b]).unapplied]).toEqual([a, b]);
    const known = waiting(a, b);
    expect(withSent(known, [a, b])).toBe(known);
  });

  it('is settled by the success of its own operation alone', () => {
    const after = withApplied(waiting(a, b), [a, c]);
    expect([...after.unapplied]).toEqual([b]);
    expect(after).toMatchObject({
      host,
      present: new Map([
        [a, alive('a')],
        [b, alive('b')],
      ]),
    });
    const known = waiting(a);
    expect(withApplied(known, [c])).toBe(known);
  });

  it('is taken out of a list, which stays the same where nothing of it is named', () => {
    const all = new Set([a, b, c]);
    expect([...withoutIds(all, [b])]).toEqual([a, c]);
    expect(withoutIds(all, [idOf('x')])).toBe(all);
  });
});

describe('a reading of the host', () => {
  const present = new Map([a, b].map((id) => [id, {}]));
  const all = new Set([a, c]);
  it.each([
    ['tells nothing while an update is under way', { present, unsettled: true as const }, [a, c]],
    ['after a success settles all', { present }, []],
    ['after a failure leaves what is listed', { present, failed: true as const }, [a]],
  ])('%s', (...[, listing, left]) => {
    expect([...unappliedAfter(all, listing)]).toEqual(left);
  });

  it('lists those of them that the host names', () => {
    expect(listedUnapplied(waiting(a, c))).toEqual([a]);
    expect(listedUnapplied({ ...createFacts(host), unapplied: new Set([a, c]) })).toEqual([]);
  });
});

describe('a host whose update is under way is read again', () => {
  const since = (ms: number) => ({ since: now - ms, confirmed: false });
  const at = (ours: Readonly<Record<string, number>>) =>
    updateReadMs(
      { ...waiting(a, b), ours: new Map(Object.entries(ours).map(([name, ms]) => [idOf(name), since(ms)])) },
      now,
    );
  it.each([
    ['after half as long as it has taken', { a: 20_000, b: 20_000 }, 10_000],
    ['by the one that was sent last', { a: 100_000, b: 20_000 }, 10_000],
    ['after two seconds at least', { a: 1_000, b: 1_000 }, 2_000],
    ['after a minute at most', { a: 600_000, b: 600_000 }, 60_000],
    ['soon where it is not known when it was sent', {}, 2_000],
  ])('%s', (_, ours, ms) => {
    expect(at(ours)).toBe(ms);
  });
});
