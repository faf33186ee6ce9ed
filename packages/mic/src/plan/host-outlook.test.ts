import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldThrottle } from '../snapshot/facts/host-facts.ts';
import { indexOf } from '../snapshot/test/cluster-snapshot.ts';
import { outlookFor } from './host-outlook.ts';
import {
  clientIdOf,
  facts,
  hostOf,
  identity,
  idOf,
  instanceOf,
  minute,
  now,
  pod,
  resourceIdOf,
  rules,
  snapshot,
} from './test/builders.ts';

const host = hostOf(instanceOf('vmss1'));
const carrying = facts(host, ['reader', 'idle'], { oursNames: ['reader', 'idle'] });
const moment = { now, rules };
const filled = () => indexOf(snapshot(), rules);

describe('what a host’s identities come to', () => {
  it('is not worked out again while pods come and go that need what others need', () => {
    const index = filled();
    const first = outlookFor(index, carrying, moment);
    index.apply({ kind: 'pod', key: 'shop/web-1', view: pod({ name: 'web-1' }) });
    index.apply({ kind: 'pod', key: 'shop/web-0', view: undefined });
    expect(outlookFor(index, carrying, moment)).toBe(first);
    expect(outlookFor(index, carrying, { now: now + 1, rules: { ...rules } })).toBe(first);
  });

  it('is not worked out again at the moment at which a throttled host may be changed', () => {
    const index = filled();
    const free = facts(host, ['reader'], { oursNames: ['reader'], notBefore: now });
    expect(outlookFor(index, free, moment)).toBe(outlookFor(index, free, moment));
  });

  it('is worked out anew when other identities are protected, be they as many, and not when the same are', () => {
    const index = filled();
    const of = (...ids: string[]) =>
      outlookFor(index, carrying, { now, rules: { ...rules, immutableClientIds: new Set(ids) } });
    const first = of('a', 'b');
    expect(of('b', 'a')).toBe(first);
    expect(of('a', 'c')).not.toBe(first);
    const two = of('a', 'b');
    expect(of('a')).not.toBe(two);
  });

  it.each<[string, (index: ReturnType<typeof filled>) => Parameters<typeof outlookFor>]>([
    [
      'the last pod that needs one is gone',
      (index) => {
        index.apply({ kind: 'pod', key: 'shop/web-0', view: undefined });
        return [index, carrying, moment];
      },
    ],
    [
      'an identity states another client id',
      (index) => {
        const spec = { type: 0, resourceID: resourceIdOf('reader'), clientID: 'new' };
        index.apply({ kind: 'identity', key: 'default/reader', view: identity({ spec }) });
        return [index, carrying, moment];
      },
    ],
    ['Azure has said something', (index) => [index, foldThrottle(carrying, now + 1), moment]],
    [
      'hosts are to be read more often',
      (index) => [index, carrying, { now, rules: { ...rules, driftPeriodMs: 2 * minute } }],
    ],
    ['the rules are others', (index) => [index, carrying, { now, rules: { ...rules, detachGraceMs: 0 } }]],
    [
      'something else is protected',
      (index) => [
        index,
        carrying,
        { now, rules: { ...rules, immutableClientIds: new Set([clientIdOf('idle')]) } },
      ],
    ],
    ['it is time', (index) => [index, carrying, { now: now + rules.driftPeriodMs, rules }]],
  ])('is worked out anew when %s', (_, change) => {
    const index = filled();
    const first = outlookFor(index, carrying, moment);
    expect(outlookFor(...change(index))).not.toBe(first);
  });

  it('is at every moment what it would be without a memory', () => {
    const one = facts(host, ['reader', 'idle'], {
      oursNames: ['reader', 'idle'],
      idleSince: new Map([[idOf('idle'), now - minute]]),
      notBefore: now + 2 * minute,
    });
    const times = fc.array(fc.integer({ min: -5, max: 20 }).map((ahead) => now + (ahead * minute) / 2));
    fc.assert(
      fc.property(times, (moments) => {
        const index = filled();
        for (const at of moments) {
          const fresh = outlookFor(filled(), one, { now: at, rules });
          expect(outlookFor(index, one, { now: at, rules })).toEqual(fresh);
        }
      }),
      { numRuns: 50 },
    );
  });
});
