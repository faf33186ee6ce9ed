import { describe, expect, it } from 'vitest';
import {
  binding,
  exception,
  identity,
  pod,
  rules as usual,
  subjectOf,
  viewOf,
  type World,
} from '../../test/builders.ts';
import { keyOf } from '../tokens/memory.ts';
import type { MachineSubject } from '../tokens/types.ts';
import { reachOf, usableBy } from './usable-by.ts';

const rules = { ...usual, forceNamespaced: true };
const machine = (value = ''): MachineSubject =>
  value === '' ? { kind: 'machine', by: 'nothing' } : { kind: 'machine', by: 'client-id', value };
const usable = (world: World, over = {}) => usableBy(pod(over), viewOf(world).view, rules);

it('identities count before they are attached, since tokens for them may be under way', () => {
  const { keys } = usable({ identities: [identity({ name: 'reader' })], bindings: [binding('reader')] });
  expect([...keys]).toEqual([keyOf(subjectOf('reader'))]);
});

it.each<[string, readonly string[] | undefined, readonly [string, boolean][]]>([
  [
    'of all identities',
    undefined,
    [
      ['', true],
      ['m', true],
    ],
  ],
  [
    'of two client ids',
    ['m', 'n'],
    [
      ['', false],
      ['m', true],
      ['o', false],
    ],
  ],
  [
    'of one client id',
    ['m'],
    [
      ['', false],
      ['m', true],
    ],
  ],
])('an exempt pod may use what its exceptions say: %s', (_, clientIds, asked) => {
  const exempt = usable({ exceptions: [exception({ aadpodidbinding: 'demo' }, 'default', clientIds)] });
  expect(asked.map(([value]) => [value, exempt.allows(machine(value))])).toEqual(asked);
});

it('other pods and those that are too large to be read may use nothing of the machine', () => {
  const world: World = { exceptions: [exception({ aadpodidbinding: 'demo' })] };
  expect(usable({}).allows(machine())).toBe(false);
  expect(usable(world, { tooLarge: 'metadata.labels' }).allows(machine())).toBe(false);
});

describe('pods get identities of other namespaces', () => {
  const labels = { 'identities-from.aadpodidentity.k8s.io/shared': 'true' };
  const from = (over: Partial<typeof rules>, access?: 'rbac') => {
    const { view } = viewOf({ namespaces: [{ name: 'shop', labels, access }] });
    const reaches = reachOf('shop', view, { ...rules, ...over });
    return reaches && ['shared', 'hostile'].filter((other) => reaches(other));
  };

  it('from none by default, from any with forceNamespaced=false, from accepted ones in mode rbac', () => {
    expect([from({}), from({ forceNamespaced: false }), from({}, 'rbac')]).toEqual([
      undefined,
      ['shared', 'hostile'],
      ['shared'],
    ]);
    expect(reachOf('other', viewOf().view, { ...rules, identityAccess: 'rbac' })).toBeUndefined();
  });
});
