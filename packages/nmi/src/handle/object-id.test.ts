// A request that names an object id, which only the tokens of the pod's identities tell, while identities are not attached or rights are missing.
import { describe, expect, it } from 'vitest';
import { binding, clientIdOf, identity, objectIdOf, type World } from '../../test/builders.ts';
import { bindingGraceMs, holdMs, startWaiting } from '../../test/waiting-stage.ts';

const [reader, writer] = ['reader', 'writer'].map((name) => identity({ name }));
const world: World = {
  identities: [reader, writer].filter((one) => one !== undefined),
  bindings: [binding('reader'), binding('writer')],
};
const by = (name: string) => ({ selector: { by: 'object-id', value: objectIdOf(name) } }) as const;
const modes = ['namespace', 'rbac'] as const;

it.each(modes)('attack: it is no other identity of the pod, in mode %s', async (mode) => {
  const { clock, state, ask } = startWaiting({ world, mode });
  state.allowed = new Set(['reader', 'writer']);
  const other = ask({ selector: { by: 'client-id', value: clientIdOf('reader') } });
  await clock.advance(holdMs + 1_000);
  expect(other.outcome).toMatchObject({ kind: 'token', identity: 'default/reader' });
  const ends = [ask(by('writer')), ask(by('unknown'))];
  await clock.advance(1_000);
  expect(ends.map(({ outcome }) => outcome)).toMatchObject([
    { kind: 'token', identity: 'default/writer' },
    { kind: 'denied', denial: { why: 'not-this-identity', offered: ['reader', 'writer'].map(clientIdOf) } },
  ]);
  const again = ask(by('writer'));
  await clock.advance(0);
  expect(again.outcome).toMatchObject({ kind: 'token', identity: 'default/writer', from: 'hit' });
});

it('may be that of the one that is not attached yet', async () => {
  const { clock, state, ask } = startWaiting({ world, mode: 'namespace' });
  state.isAttached = (name) => name === 'reader';
  const end = ask(by('writer'));
  await clock.advance(holdMs + 1_000);
  expect(end.outcome).toEqual({
    kind: 'not-assigned',
    pod: 'default/web',
    identity: 'default/writer',
    seen: 'unattached',
  });
});

it.each([
  ['is there', true],
  ['comes while it waits', false],
])('whose right is missing is told the right, when the identity that it may use %s', async (_, isThere) => {
  const { clock, state, ask } = startWaiting({ world });
  state.allowed = new Set(['reader']);
  state.isAttached = () => isThere;
  const end = ask(by('writer'));
  await clock.advance(2_000);
  state.isAttached = () => true;
  await clock.advance(6_000);
  const denial = { why: 'access-denied', identity: 'default/writer' };
  expect(end.outcome).toMatchObject({ kind: 'denied', denial });
});

it.each([
  ['of all identities', []],
  ['of one of them', ['reader']],
])(
  'of a fresh pod without the right %s is told so and to try again, and refused after the grace',
  async (_, allowed) => {
    const { clock, state, ask } = startWaiting({ world, acceptedAt: 0 });
    state.allowed = new Set(allowed);
    const first = ask(by('writer'));
    await clock.advance(holdMs + 2_000);
    const denial = { why: 'access-denied' };
    expect(first.outcome).toMatchObject({ kind: 'not-assigned', seen: 'unbound', denial });
    await clock.advance(bindingGraceMs);
    const last = ask(by('writer'));
    await clock.advance(1_000);
    expect(last.outcome).toMatchObject({ kind: 'denied', denial });
  },
);

describe('attack: another namespace binds a hundred identities that exist nowhere to the pod', () => {
  const names = Array.from({ length: 100 }, (_, index) => `nowhere-${index}`);
  const crowded: World = {
    identities: [identity({ name: 'writer' }), ...names.map((name) => identity({ name, namespace: 'aaa' }))],
    bindings: [binding('writer'), ...names.map((name) => binding(name, { namespace: 'aaa' }))],
  };

  it('its own identity is found at once', async () => {
    const { clock, state, ask } = startWaiting({ world: crowded, mode: 'namespace' });
    state.isAttached = (name) => name === 'writer';
    const end = ask(by('writer'));
    await clock.advance(1_000);
    expect(end.outcome).toMatchObject({ kind: 'token', identity: 'default/writer' });
  });

  it('the pod waits for its own identity, and gets it when it is attached', async () => {
    const { clock, state, ask } = startWaiting({ world: crowded, mode: 'namespace' });
    state.isAttached = () => false;
    const end = ask(by('writer'));
    await clock.advance(10_000);
    expect(end.outcome).toBeUndefined();
    state.isAttached = (name) => name === 'writer';
    await clock.advance(6_000);
    expect(end.outcome).toMatchObject({ kind: 'token', identity: 'default/writer' });
  });

  it.each([1_000, 9_000, 16_000])(
    'its own identity is found within six seconds when it is attached after %i ms, though all others are asked for again and again',
    async (afterMs) => {
      const { clock, state, ask } = startWaiting({ world: crowded, mode: 'namespace', isPaced: true });
      state.isAttached = () => false;
      // Until each has been asked for.
      for (let call = 0; call < 2; call += 1) {
        const first = ask(by('writer'));
        await clock.advance(holdMs + 1_000);
        expect(first.outcome).toMatchObject({ kind: 'not-assigned', identity: 'default/writer' });
      }
      const end = ask(by('writer'));
      await clock.advance(afterMs);
      expect(end.outcome).toBeUndefined();
      state.isAttached = (name) => name === 'writer';
      await clock.advance(6_000);
      expect(end.outcome).toMatchObject({ kind: 'token', identity: 'default/writer' });
    },
  );

  it('the request ends with its hold, however slow the metadata service is', async () => {
    const { clock, state, ask } = startWaiting({ world: crowded, mode: 'namespace', isPaced: true });
    state.isAttached = () => false;
    state.tokenMs = 2_000;
    const end = ask(by('writer'));
    await clock.advance(holdMs + 2_000);
    expect(end.outcome).toMatchObject({ kind: 'not-assigned', identity: 'default/writer' });
  });

  it('each of these is asked for, and found when it is attached', async () => {
    const { clock, state, ask, asked } = startWaiting({ world: crowded, mode: 'namespace', isPaced: true });
    state.isAttached = () => false;
    for (let call = 0; call < 2; call += 1) {
      ask(by('writer'));
      await clock.advance(holdMs + 1_000);
    }
    expect(new Set(asked).size).toBe(101);
    state.isAttached = (name) => name === 'nowhere-99';
    const end = ask(by('nowhere-99'));
    await clock.advance(holdMs + 1_000);
    expect(end.outcome).toMatchObject({ kind: 'token', identity: 'aaa/nowhere-99' });
  });
});
