import type { ResourceId } from '@pod-identity/crd-types';
import { describe, expect, it, test } from 'vitest';
import {
  deadOf,
  dropsWholeList,
  identityPatch,
  identityType,
  isDone,
  isFailed,
  readHostState,
  stepsToChange,
  stepsToRestore,
  type HostState,
  type IdentityStep,
} from './identity-patch.ts';
import { nextBatch, startSearch } from './isolate.ts';

const id = (name: string) =>
  `/subscriptions/s/resourcegroups/g/providers/microsoft.managedidentity/userassignedidentities/${name}` as ResourceId;
const alive = { clientId: 'c', principalId: 'p' };
const host = (names: readonly string[], systemAssigned = false): HostState => ({
  present: new Map(names.map((name) => [id(name), alive])),
  systemAssigned,
});
const nothing = { attach: [], renew: [], detach: [] };
const add = (...names: string[]) => names.map((name): IdentityStep => ({ id: id(name), kind: 'add' }));
const remove = (...names: string[]) => names.map((name): IdentityStep => ({ id: id(name), kind: 'remove' }));

describe('the net change', () => {
  test.each([
    ['nothing asked', host(['a']), nothing, []],
    ['an identity already there is not added again', host(['a']), { ...nothing, attach: [id('a')] }, []],
    ['one already gone is not removed again (W-C1)', host([], true), { ...nothing, detach: [id('a')] }, []],
    [
      'C24 add and remove of different ids, adds first',
      host(['b']),
      { ...nothing, attach: [id('a')], detach: [id('b')] },
      [...add('a'), ...remove('b')],
    ],
    [
      'C24 add and remove of the same id keeps it',
      host(['a']),
      { ...nothing, attach: [id('a')], detach: [id('a')] },
      [],
    ],
    [
      'C24 and C33 whatever its case',
      host([]),
      { ...nothing, attach: [id('A').toUpperCase() as ResourceId, id('a')], detach: [id('A')] },
      add('a'),
    ],
    [
      'what is to be renewed is not detached',
      host(['a']),
      { attach: [], renew: [id('a')], detach: [id('a')] },
      [],
    ],
  ])('%s', (...[, state, change, steps]) => {
    expect(stepsToChange(state, change)).toEqual(steps);
  });

  it('adds entries that were removed for renewal, and only those', () => {
    expect(stepsToRestore(host(['b']), [id('a'), id('b')])).toEqual(add('a'));
  });

  it('renews dead entries, and neither live nor missing ones', () => {
    const state: HostState = {
      present: new Map([...host(['a']).present, [id('d'), {}]]),
      systemAssigned: false,
    };
    expect(deadOf(state, [id('a'), id('D').toUpperCase() as ResourceId, id('d'), id('x')])).toEqual([
      id('d'),
    ]);
  });

  it.each([
    ['client id', { clientId: 'c' }],
    ['principal id', { principalId: 'p' }],
  ])('does not renew an identity of which only the %s is known: it exists', (_, entry) => {
    expect(deadOf({ present: new Map([[id('a'), entry]]), systemAssigned: false }, [id('a')])).toEqual([]);
  });
});

describe('C28 E13 the type of every transition', () => {
  test.each([
    ['None, one added', host([]), add('a'), 'UserAssigned'],
    ['UserAssigned, one added', host(['b']), add('a'), 'UserAssigned'],
    ['SystemAssigned, one added', host([], true), add('a'), 'SystemAssigned, UserAssigned'],
    ['both, one added', host(['b'], true), add('a'), 'SystemAssigned, UserAssigned'],
    ['both, one of two removed', host(['a', 'b'], true), remove('a'), 'SystemAssigned, UserAssigned'],
    ['both, the last removed', host(['a'], true), remove('a'), 'SystemAssigned'],
    ['UserAssigned, the last removed', host(['a']), remove('a'), 'None'],
    ['UserAssigned, the last exchanged', host(['a']), [...add('b'), ...remove('a')], 'UserAssigned'],
  ] as const)('%s', (...[, state, steps, type]) => {
    const { body } = identityPatch(state, steps);
    expect(body.identity.type).toBe(type);
    expect(body.identity.userAssignedIdentities === undefined).toBe(!type.includes('UserAssigned'));
  });

  it('never drops a system-assigned identity', () => {
    for (const userAssigned of [true, false])
      expect(identityType(true, userAssigned)).toContain('SystemAssigned');
  });
});

describe('the PATCH', () => {
  it('C34 names ids in lower case, {} to add and null to remove, and nothing else', () => {
    expect(identityPatch(host(['b', 'c']), [...add('a'), ...remove('b')]).body).toEqual({
      identity: { type: 'UserAssigned', userAssignedIdentities: { [id('a')]: {}, [id('b')]: null } },
    });
  });

  it('C31 C32 returns the state of the host afterwards', () => {
    const { after } = identityPatch(host(['b']), [...add('a'), ...remove('b')]);
    expect([...after.present.keys()]).toEqual([id('a')]);
    expect(
      add('a').every((step) => isDone(after, step)) && remove('b').every((step) => isDone(after, step)),
    ).toBe(true);
  });

  it.each([
    ['the last one is removed', host(['a']), remove('a'), true],
    ['the last one is removed beside a system-assigned one', host(['a'], true), remove('a'), true],
    ['one of two is removed', host(['a', 'b']), remove('a'), false],
    ['the last one is exchanged', host(['a']), [...add('b'), ...remove('a')], false],
    ['the first one is added', host([]), add('a'), false],
  ])('gives up the whole list of the host when %s: %4$s', (...[, state, steps, expected]) => {
    expect(dropsWholeList(identityPatch(state, steps))).toBe(expected);
  });

  test.each([
    [2, [2]],
    [150, [150]],
    [200, [150, 50]],
  ])('C29 C30 %i ids go out in parts of %j, disjoint and complete', (count, parts) => {
    const steps = add(...Array.from({ length: count }, (_, index) => `id${index}`));
    const sent: IdentityStep[][] = [];
    for (let rest: readonly IdentityStep[] = steps; rest.length > 0;) {
      const batch = nextBatch(startSearch(rest));
      sent.push([...batch]);
      rest = rest.filter((step) => !batch.includes(step));
    }
    expect(sent.map((batch) => batch.length)).toEqual(parts);
    expect(sent.flat()).toEqual(steps);
  });
});

describe('reading a host', () => {
  test.each([
    ['None', false],
    ['SystemAssigned', true],
    ['UserAssigned', false],
    ['SystemAssigned, UserAssigned', true],
    ['systemassigned,userassigned', true],
  ] as const)('type %s', (type, systemAssigned) => {
    expect(readHostState({ identity: { type } }).systemAssigned).toBe(systemAssigned);
  });

  it('C33 accepts ids in any case and keeps a dead entry without ids', () => {
    const state = readHostState({
      etag: '"3"',
      identity: {
        type: 'UserAssigned',
        userAssignedIdentities: {
          [id('A').toUpperCase()]: alive,
          [id('d')]: { clientId: null, principalId: null },
        },
      },
      properties: { provisioningState: 'Updating' },
    });
    expect(state).toStrictEqual({
      present: new Map<ResourceId, object>([
        [id('a'), alive],
        [id('d'), {}],
      ]),
      systemAssigned: false,
      provisioningState: 'Updating',
      etag: '"3"',
    });
    expect(state.present.get(id('d'))).toStrictEqual({});
  });

  it.each([
    ['that says nothing of identities', { properties: {} }],
    ['that says null', { identity: null, properties: null, etag: null }],
    ['with an empty version mark and state', { etag: '', properties: { provisioningState: '' } }],
  ])('a host %s is an empty one', (_, resource) => {
    expect(readHostState(resource)).toStrictEqual({ present: new Map(), systemAssigned: false });
  });

  it.each([
    ...['Failed', 'failed', 'Canceled', 'Cancelled'].map((state) => [state, true] as const),
    ...['Succeeded', 'Updating', 'FailedOver', 'NotFailed'].map((state) => [state, false] as const),
    [undefined, false] as const,
  ])('the last update of a host in state %s has failed: %s', (provisioningState, expected) => {
    expect(isFailed(readHostState({ properties: { provisioningState } }))).toBe(expected);
  });
});
