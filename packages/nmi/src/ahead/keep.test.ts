import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it, vi } from 'vitest';
import { accessPair, askNobody, issuedTo, pod, subjectOf } from '../../test/builders.ts';
import type { AccessGuard } from '../access/guard.ts';
import type { Access } from '../access/types.ts';
import type { BoundIdentity } from '../authorize/types.ts';
import type { PodView } from '../identify/pod-view.ts';
import { createTokenKeeper } from './keep.ts';
import { TokenError } from '../tokens/errors.ts';
import type { Asker } from '../tokens/questions.ts';
import type { Obtained } from '../tokens/source.ts';
import type { TokenWish } from '../tokens/types.ts';

const vault = 'https://vault.azure.net';

const accessOf = (identity: string): Access => {
  const pair = accessPair({ identity });
  return { mode: 'rbac', subject: pair.subject, pairs: [pair] };
};

/** A node whose pods each have the identity that their label names. */
const stage = (prefetch: readonly string[] = [], access: AccessGuard = askNobody) => {
  const clock = createFakeClock();
  const pods = new Map<string, PodView>();
  const ready = new Set<string>();
  const listeners = new Set<() => void>();
  const get = vi.fn<(wish: TokenWish, asker: Asker) => Promise<Obtained>>(() =>
    Promise.resolve({ issued: issuedTo('any'), from: 'miss' }),
  );
  const retained: string[][] = [];
  const said: string[] = [];
  const identitiesOf = ({ labels }: PodView): readonly BoundIdentity[] => {
    const name = labels['aadpodidbinding'] ?? '';
    return name === ''
      ? []
      : [
          {
            identity: {
              ...(subjectOf(name) as BoundIdentity['identity']),
              ...(access !== askNobody && { access: accessOf(name) }),
            },
            isReady: ready.has(name),
          },
        ];
  };
  const keeper = createTokenKeeper({
    pods: () => pods.values(),
    identitiesOf,
    changes: {
      subscribe: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    tokens: { get },
    retain: (identities) => retained.push(identities.map(({ name }) => name)),
    prefetch,
    access,
    clock,
    log: { debug: (fields) => said.push(JSON.stringify(fields)) },
  });
  const stop = new AbortController();
  const ended = keeper.run(stop.signal);
  const change = () => {
    for (const listener of [...listeners]) listener();
  };
  const bind = (name: string, identity: string, over: Partial<PodView> = {}) => {
    pods.set(name, pod({ uid: name, name, labels: { aadpodidbinding: identity }, ...over }));
    change();
  };
  const asked = () =>
    get.mock.calls.map(([{ subject, resource }]) => [
      subject.kind === 'identity' ? subject.name : '',
      resource,
    ]);
  return { clock, pods, ready, get, retained, said, bind, change, asked, stop, ended, listeners };
};

it('keeps the tokens of identities that pods of the node may act as, and no others; a burst of changes is one look', async () => {
  const { clock, pods, bind, change, retained } = stage();
  bind('a', 'reader');
  bind('b', 'writer');
  await clock.advance(250);
  pods.delete('b');
  for (let index = 0; index < 100; index += 1) change();
  await clock.advance(250);
  expect(retained).toEqual([['default/reader', 'default/writer'], ['default/reader']]);
});

it('asks ahead for nothing unless that is wanted', async () => {
  const { clock, bind, ready, get } = stage();
  ready.add('reader');
  bind('a', 'reader');
  await clock.advance(60_000);
  expect(get).not.toHaveBeenCalled();
});

it('has tokens ready for bound pods: once for each identity and resource, of no pod’s share', async () => {
  const { clock, bind, ready, asked, get } = stage([vault]);
  ready.add('reader');
  bind('a', 'reader');
  bind('b', 'reader', { prefetch: ['api://own', vault] });
  await clock.advance(60_000);
  bind('c', 'reader');
  await clock.advance(60_000);
  expect(asked()).toEqual([
    ['default/reader', vault],
    ['default/reader', 'api://own'],
  ]);
  expect(get.mock.calls[0]?.[1].admit(1)).toBe(0);
});

it('at the moment when an identity is there, not before', async () => {
  const { clock, bind, ready, change, asked } = stage([vault]);
  bind('a', 'reader');
  await clock.advance(60_000);
  expect(asked()).toEqual([]);
  ready.add('reader');
  change();
  await clock.advance(250);
  expect(asked()).toHaveLength(1);
});

it('again when the last pod was gone in between', async () => {
  const { clock, pods, bind, ready, change, asked } = stage([vault]);
  ready.add('reader');
  bind('a', 'reader');
  await clock.advance(1_000);
  pods.clear();
  change();
  await clock.advance(1_000);
  bind('a', 'reader');
  await clock.advance(1_000);
  expect(asked()).toHaveLength(2);
});

it('slowly: two at a time and four in a second', async () => {
  const { clock, bind, ready, get } = stage([vault]);
  for (let index = 0; index < 40; index += 1) {
    ready.add(`id-${index}`);
    bind(`pod-${index}`, `id-${index}`);
  }
  await clock.advance(250);
  expect(get).toHaveBeenCalledTimes(2);
  await clock.advance(5_000);
  expect(get.mock.calls.length).toBeLessThanOrEqual(22);
  await clock.advance(10_000);
  expect(get).toHaveBeenCalledTimes(40);
});

it('a failure is nobody’s concern and no reason to stop', async () => {
  const { clock, bind, ready, get, said } = stage([vault]);
  get.mockRejectedValue(new TokenError('unavailable', 'away'));
  for (const name of ['a', 'b', 'c']) {
    ready.add(name);
    bind(name, name);
  }
  await clock.advance(60_000);
  expect(get).toHaveBeenCalledTimes(3);
  expect(said).toHaveLength(3);
});

it('ends with the signal, and leaves nothing behind', async () => {
  const { clock, bind, ready, get, stop, ended, listeners } = stage([vault]);
  ready.add('reader');
  bind('a', 'reader');
  stop.abort();
  await ended;
  await clock.advance(1_000);
  expect(get).not.toHaveBeenCalled();
  expect(listeners.size).toBe(0);
});

it('an identity that the metadata service does not know yet keeps a question ahead of time no longer than 8 s', async () => {
  const { clock, bind, ready, get } = stage([vault]);
  ready.add('reader');
  bind('a', 'reader');
  await clock.advance(250);
  expect(get.mock.calls.map(([, { deadline }]) => deadline)).toEqual([clock.now() + 8_000]);
});

it('no token is requested for a pod whose ServiceAccount may not use the identity, until it may', async () => {
  const rights = new Set(['may']);
  const access: AccessGuard = {
    now: () => undefined,
    ask: ({ pairs }) => {
      const [pair] = pairs === 'machine' ? [] : pairs;
      const isAllowed = [...rights].some((name) => pair?.key.endsWith(` ${name}`));
      return Promise.resolve(isAllowed ? { verdict: 'allowed' } : { verdict: 'denied', targets: [] });
    },
  };
  const { clock, bind, ready, get } = stage([vault], access);
  for (const name of ['may', 'may-not']) {
    ready.add(name);
    bind(name, name);
  }
  await clock.advance(5_000);
  const asked = () => get.mock.calls.map(([{ subject }]) => ('name' in subject ? subject.name : ''));
  expect(asked()).toEqual(['default/may']);
  rights.add('may-not');
  bind('another', 'may');
  await clock.advance(5_000);
  expect(asked()).toEqual(['default/may', 'default/may-not']);
});
