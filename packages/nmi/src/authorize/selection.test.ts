import { whyUnbound, type Unbound } from '@pod-identity/policy';
import { describe, expect, it } from 'vitest';
import {
  authorize,
  binding,
  clientIdOf,
  identity,
  pod,
  rules,
  viewOf,
  type World,
} from '../../test/builders.ts';
import type { PodView } from '../identify/pod-view.ts';
import type { Selector } from '../request/token-request.ts';
import type { AuthorizeRules } from './types.ts';

const own = identity({ name: 'reader', namespace: 'shop' });
const guest = identity({
  name: 'vault',
  namespace: 'data',
  spec: { allowedNamespaces: { selector: { matchLabels: { team: 'a' } } } },
});
const ownBinding = binding('reader', { namespace: 'shop' });
const guestBinding = binding('vault', { namespace: 'data', isDefault: true });
const accepting = { 'identities-from.aadpodidentity.k8s.io/data': 'true' };
const namespaces = [{ name: 'shop', labels: { team: 'a', ...accepting }, access: undefined }];
const nothing: Selector = { by: 'nothing' };
const byClientId = (name: string): Selector => ({ by: 'client-id', value: clientIdOf(name) });
const rbac: AuthorizeRules = { ...rules, forceNamespaced: true, identityAccess: 'rbac' };

const decideBy =
  (how: AuthorizeRules) =>
  (world: World, over: Partial<PodView> = {}, selector: Selector = nothing) =>
    authorize(
      { pod: pod({ namespace: 'shop', ...over }), selector },
      viewOf({ namespaces, ...world }).view,
      how,
    );
const decide = decideBy(rbac);

describe('a pod without the label', () => {
  const unlabelled = { labels: { app: 'web' }, serviceAccount: 'front' };
  const selecting = (spec: object) => ({
    ...ownBinding,
    spec: { ...ownBinding.spec, selector: '', ...spec },
  });

  it.each([{ podSelector: { matchLabels: { app: 'web' } } }, { serviceAccountName: 'front' }])(
    'may act as the identity of a binding that selects it by %j',
    (spec) => {
      const world = { identities: [own], bindings: [selecting(spec)] };
      expect(decide(world, unlabelled)).toMatchObject({ kind: 'allow', identity: { name: 'shop/reader' } });
    },
  );

  it('may not act as that of a binding that is for other pods', () => {
    const world = { identities: [own], bindings: [selecting({ serviceAccountName: 'back' })] };
    expect(decide(world, unlabelled)).toMatchObject({ kind: 'deny', denial: { why: 'no-label' } });
  });
});

describe('a pod of a namespace with more bindings by what pods do not have than count', () => {
  const bindings = Array.from({ length: 120 }, (_, index) => {
    const key = index < 110 ? 'app' : 'zone';
    const made = binding('reader', { namespace: 'shop', name: `b${String(index).padStart(3, '0')}` });
    const podSelector = { matchExpressions: [{ key, operator: 'DoesNotExist' as const }] };
    return { ...made, spec: { ...made.spec, selector: '', podSelector } };
  });

  it.each([
    [{ app: 'web' }, 'no-label'],
    [{ app: 'web', aadpodidbinding: '' }, 'empty-label'],
    [{ app: 'web', aadpodidbinding: 'demo' }, 'no-binding'],
  ])('gets nothing by those that do not count, and is told so, with labels %j', (labels, why) => {
    const decision = decide({ identities: [own], bindings }, { labels });
    expect(decision).toMatchObject({ kind: 'deny', denial: { why, surplus: 'shop/b100' } });
    const text = 'denial' in decision ? whyUnbound('shop/web', decision.denial as Unbound) : '';
    expect(text).toMatch(
      /too many AzureIdentityBindings: shop\/b100 and later ones over the same limit don't count/,
    );
  });
});

it('a pod whose label has a binding that asks for something else too is told the binding', () => {
  const asking = { ...ownBinding, spec: { ...ownBinding.spec, serviceAccountName: 'back' } };
  expect(decide({ identities: [own], bindings: [asking] })).toEqual({
    kind: 'deny',
    denial: { why: 'not-selected', binding: 'shop/reader-binding' },
    mayCome: true,
  });
});

it('the field of a binding makes it the default, as its annotation does', () => {
  const other = identity({ name: 'writer', namespace: 'shop' });
  const byField = binding('writer', { namespace: 'shop' });
  const bindings = [ownBinding, { ...byField, spec: { ...byField.spec, default: true } }];
  expect(decide({ identities: [own, other], bindings })).toMatchObject({ identity: { name: 'shop/writer' } });
});

describe('an identity of a namespace that allows the pod’s', () => {
  const both = { identities: [own, guest], bindings: [ownBinding, guestBinding] };

  it('is given to a pod that has nothing else', () => {
    expect(decide({ identities: [guest], bindings: [guestBinding] })).toMatchObject({
      kind: 'allow',
      identity: { name: 'data/vault' },
    });
  });

  it('is not given where the namespace has other labels, or none are known', () => {
    for (const others of [[{ name: 'shop', labels: { team: 'b', ...accepting }, access: undefined }], []])
      expect(decide({ identities: [guest], bindings: [guestBinding], namespaces: others })).toMatchObject({
        kind: 'deny',
        denial: { why: 'other-namespace' },
      });
  });

  it('is not given where the namespace does not accept identities of the other one', () => {
    const deaf = [{ name: 'shop', labels: { team: 'a' }, access: undefined }];
    for (const selector of [nothing, byClientId('vault')])
      expect(
        decide({ identities: [guest], bindings: [guestBinding], namespaces: deaf }, {}, selector),
      ).toMatchObject({ kind: 'deny', denial: { why: 'other-namespace' } });
  });

  it('is given to a pod that names it, and is not meant otherwise, whatever its binding says', () => {
    expect(decide(both, {}, byClientId('vault'))).toMatchObject({ identity: { name: 'data/vault' } });
    expect(decide(both)).toMatchObject({ kind: 'allow', identity: { name: 'shop/reader' } });
    expect(decide(both, { defaultIdentity: 'data/vault' })).toMatchObject({
      identity: { name: 'data/vault' },
    });
  });

  it('is not meant by a name without a namespace, which is one of the pod’s own: others choose how they call theirs', () => {
    const thief = { ...guest, metadata: { ...guest.metadata, name: 'writer' } };
    const world = {
      identities: [own, thief],
      bindings: [ownBinding, binding('writer', { namespace: 'data' })],
    };
    expect(decide(world, { defaultIdentity: 'writer' })).toMatchObject({ identity: { name: 'shop/reader' } });
    expect(decide(world, { defaultIdentity: 'data/writer' })).toMatchObject({
      identity: { name: 'data/writer' },
    });
  });

  it('takes no request away from an identity of the pod’s own by stating its client id', () => {
    const thief = { ...guest, spec: { ...guest.spec, clientID: clientIdOf('reader') } };
    const world = { ...both, identities: [own, thief] };
    expect(decide(world, {}, byClientId('reader'))).toMatchObject({ identity: { name: 'shop/reader' } });
  });

  it('counts in mode namespace only with --force-namespaced=false', () => {
    const world = { identities: [guest], bindings: [guestBinding] };
    const open: AuthorizeRules = { ...rbac, identityAccess: 'namespace', forceNamespaced: false };
    expect(decideBy(open)(world)).toMatchObject({ identity: { name: 'data/vault' } });
    expect(decideBy({ ...open, forceNamespaced: true })(world)).toMatchObject({ kind: 'deny' });
  });
});
