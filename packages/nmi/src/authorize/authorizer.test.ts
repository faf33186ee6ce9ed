import { expect, it, vi } from 'vitest';
import { binding, identity, pod, record, rules, viewOf } from '../../test/builders.ts';
import { createAuthorizer } from './authorizer.ts';

const reader = identity({ name: 'reader' });
const world = { identities: [reader], bindings: [binding('reader')], records: [record(reader, 'Assigned')] };

it('decides once while nothing changes, and again after any change', () => {
  const stage = viewOf(world);
  const looks = vi.spyOn(stage.view, 'bindingsWithSelector');
  const decide = createAuthorizer(stage.view, rules);
  const caller = pod();
  decide(caller, { by: 'nothing' });
  expect(decide(caller, { by: 'nothing' }).kind).toBe('allow');
  expect(looks).toHaveBeenCalledTimes(1);
  stage.change({ ...world, bindings: [] });
  expect(decide(caller, { by: 'nothing' }).kind).toBe('deny');
});

it('a changed pod is another pod', () => {
  const decide = createAuthorizer(viewOf(world).view, rules);
  expect(decide(pod(), { by: 'nothing' }).kind).toBe('allow');
  expect(decide(pod({ labels: {} }), { by: 'nothing' }).kind).toBe('deny');
});

it('does not mix selectors up', () => {
  const decide = createAuthorizer(viewOf(world).view, rules);
  const caller = pod();
  expect(decide(caller, { by: 'client-id', value: 'x' }).kind).toBe('deny');
  expect(decide(caller, { by: 'nothing' }).kind).toBe('allow');
});

it('remembers 32 selectors of a pod, and starts anew with the next one', () => {
  const stage = viewOf(world);
  const looks = vi.spyOn(stage.view, 'bindingsWithSelector');
  const decide = createAuthorizer(stage.view, rules);
  const caller = pod();
  const ask = (i: number) => decide(caller, { by: 'client-id', value: `${i}` });
  for (let i = 0; i < 32; i += 1) ask(i);
  const before = looks.mock.calls.length;
  ask(32);
  ask(32);
  expect(looks.mock.calls.length).toBe(before + 1);
  ask(0);
  expect(looks.mock.calls.length).toBe(before + 2);
});
