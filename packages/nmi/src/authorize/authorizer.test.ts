import { expect, it, vi } from 'vitest';
import { binding, identity, pod, rules, viewOf } from '../../test/builders.ts';
import { createAuthorizer } from './authorizer.ts';

const reader = identity({ name: 'reader' });
const world = { identities: [reader], bindings: [binding('reader')] };

it('decides once while nothing changes, and again after any change', () => {
  const stage = viewOf(world);
  const looks = vi.spyOn(stage.view, 'bindingsWithSelector');
  const authorizer = createAuthorizer(stage.view, rules);
  const caller = pod();
  authorizer.decide(caller, { by: 'nothing' });
  expect(authorizer.decide(caller, { by: 'nothing' }).kind).toBe('allow');
  expect(looks).toHaveBeenCalledTimes(1);
  stage.change({ ...world, bindings: [] });
  expect(authorizer.decide(caller, { by: 'nothing' }).kind).toBe('deny');
});

it('a changed pod is another pod', () => {
  const authorizer = createAuthorizer(viewOf(world).view, rules);
  expect(authorizer.decide(pod(), { by: 'nothing' }).kind).toBe('allow');
  expect(authorizer.decide(pod({ labels: {} }), { by: 'nothing' }).kind).toBe('deny');
});

it('remembers 32 selectors of a pod; one more evicts the oldest alone', () => {
  const authorizer = createAuthorizer(viewOf(world).view, rules);
  const caller = pod();
  const ask = (i: number) => authorizer.decide(caller, { by: 'client-id', value: `${i}` });
  const [first, second] = [ask(0), ask(1)];
  for (let i = 2; i < 32; i += 1) ask(i);
  expect(ask(0)).toBe(first);
  expect(ask(32)).toBe(ask(32));
  expect(ask(1)).toBe(second);
  expect(ask(0)).not.toBe(first);
  expect(ask(0)).toEqual(first);
});

it('a thousand callers of a pod who wait for as many identities cost one look at its bindings for each change', () => {
  const stage = viewOf(world);
  const looks = vi.spyOn(stage.view, 'bindingsWithSelector');
  const authorizer = createAuthorizer(stage.view, rules);
  const caller = pod();
  for (let change = 1; change <= 3; change += 1) {
    for (let i = 0; i < 1_000; i += 1) authorizer.decide(caller, { by: 'client-id', value: `${i}` });
    expect(looks).toHaveBeenCalledTimes(change);
    stage.change(world);
  }
});

it.each([[], ['exempt']])(
  'a thousand callers of a pod who wait by as many object ids have one decision (%j)',
  (...refused) => {
    const authorizer = createAuthorizer(viewOf(world).view, rules);
    const caller = pod();
    const decide = (value: string) => authorizer.decide(caller, { by: 'object-id', value }, new Set(refused));
    const decisions = Array.from({ length: 1_000 }, (_, index) => decide(`${index}`));
    expect(new Set(decisions).size).toBe(1);
    expect(decide('0')).toMatchObject({
      kind: 'allow-by-object-id',
      identities: [{ name: 'default/reader' }],
    });
  },
);

it('a decision without refused identities is the one that is kept', () => {
  const authorizer = createAuthorizer(viewOf(world).view, rules);
  const caller = pod();
  const first = authorizer.decide(caller, { by: 'nothing' });
  expect(authorizer.decide(caller, { by: 'nothing' }, new Set())).toBe(first);
  expect(authorizer.decide(caller, { by: 'nothing' }, new Set(['default/reader'])).kind).toBe('deny');
  expect(authorizer.decide(caller, { by: 'nothing' })).toBe(first);
});
