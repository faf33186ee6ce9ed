import { accessTargetsOf } from '@pod-identity/crd-types';
import { describe, expect, it } from 'vitest';
import {
  authorize,
  binding,
  clientIdOf,
  exception,
  identity,
  objectIdOf,
  pod,
  resourceIdOf,
  rules,
  viewOf,
  type World,
} from '../../test/builders.ts';
import type { PodView } from '../identify/pod-view.ts';
import type { Selector } from '../request/token-request.ts';
import { identitiesOf } from './authorize.ts';

const reader = identity({ name: 'reader' });
const writer = identity({ name: 'writer' });
const principal = (name: string, spec: object = {}) =>
  identity({
    name,
    type: 1,
    spec: { tenantID: 't1', clientPassword: { name: 'credentials', namespace: 'default' }, ...spec },
  });
const both: World = { identities: [reader, writer], bindings: [binding('reader'), binding('writer')] };

describe('the identities that a pod could be given a token of', () => {
  const names = (world: World, over: Partial<PodView> = {}) =>
    identitiesOf(pod(over), viewOf(world).view, rules).map(({ name }) => name);

  it.each(['Pending', 'Running'])('are those of a pod that is %s', (phase) => {
    expect(names(both, { phase })).toHaveLength(2);
  });

  it.each(['Succeeded', 'Failed'])('are none of a pod that is %s', (phase) => {
    expect(names(both, { phase })).toEqual([]);
  });

  it('are none of a pod of which a field is too large to be read', () => {
    expect(names(both, { tooLarge: 'metadata.labels has more than 65536 bytes' })).toEqual([]);
  });

  it('leave out one whose resource id names no managed identity', () => {
    const faulty = { ...reader, spec: { ...reader.spec, resourceID: '/subscriptions/s1' } };
    expect(names({ ...both, identities: [faulty, writer] })).toEqual(['default/writer']);
  });

  it('are none of an exempt pod: it has those of the machine', () => {
    expect(names({ ...both, exceptions: [exception({ aadpodidbinding: 'demo' })] })).toEqual([]);
  });

  it('leave out one that cannot be served', () => {
    const faulty = principal('faulty', { tenantID: '../elsewhere' });
    expect(names({ identities: [reader, faulty], bindings: [binding('reader'), binding('faulty')] })).toEqual(
      ['default/reader'],
    );
  });
});

describe('asked by an object id', () => {
  const decide = (world: World) =>
    authorize(
      { pod: pod(), selector: { by: 'object-id', value: objectIdOf('reader') } },
      viewOf(world).view,
      rules,
    );
  const faulty = principal('a-faulty', { tenantID: '../elsewhere' });
  const withFaulty: World = {
    identities: [faulty, writer],
    bindings: [binding('a-faulty'), binding('writer')],
  };

  it('asks for the others, whatever is wrong with one', () => {
    expect(decide(withFaulty)).toMatchObject({ identities: [{ name: 'default/writer' }] });
  });

  it('says what is wrong when every identity has a fault', () => {
    expect(decide({ identities: [faulty], bindings: [binding('a-faulty')] })).toMatchObject({
      kind: 'unusable',
      identity: 'default/a-faulty',
    });
  });
});

describe('a pod with no identity', () => {
  it('is told of the binding whose identity is missing before that of another namespace', () => {
    const elsewhere = identity({ name: 'reader', namespace: 'other', isNamespaced: true });
    const world: World = {
      identities: [elsewhere],
      bindings: [binding('reader', { namespace: 'other' }), binding('gone', { namespace: 'z' })],
    };
    expect(authorize({ pod: pod(), selector: { by: 'nothing' } }, viewOf(world).view, rules)).toMatchObject({
      denial: { why: 'identity-missing', binding: 'z/gone-binding' },
    });
  });

  it('is told of the first of several bindings whose identities are missing', () => {
    const world: World = { bindings: ['a', 'b', 'c'].map((name) => binding(name)) };
    expect(authorize({ pod: pod(), selector: { by: 'nothing' } }, viewOf(world).view, rules)).toMatchObject({
      denial: { why: 'identity-missing', binding: 'default/a-binding' },
    });
  });
});

describe('which identity is meant', () => {
  const decide = (world: World, over: Partial<PodView> = {}) =>
    authorize({ pod: pod(over), selector: { by: 'nothing' } }, viewOf(world).view, rules);

  it('two objects of one managed identity are one, unless they state other client ids', () => {
    const again = identity({
      name: 'again',
      resourceID: resourceIdOf('reader'),
      clientID: clientIdOf('reader'),
    });
    const other = identity({
      name: 'again',
      resourceID: resourceIdOf('reader'),
      clientID: clientIdOf('other'),
    });
    const bindings = [binding('reader'), binding('again')];
    expect(decide({ identities: [reader, again], bindings }).kind).toBe('allow');
    expect(decide({ identities: [reader, other], bindings })).toMatchObject({
      denial: { why: 'several-identities' },
    });
  });

  describe('of several objects for one managed identity, of which some state no client id', () => {
    const resourceID = resourceIdOf('reader');
    const silent = (name: string) => identity({ name, resourceID, clientID: undefined });
    const stating = (name: string, of = 'reader') => identity({ name, resourceID, clientID: clientIdOf(of) });
    const worldOf = (...identities: ReturnType<typeof identity>[]): World => ({
      identities,
      bindings: identities.map(({ metadata: { name } }) => binding(name)),
    });
    const selectors: readonly Selector[] = [
      { by: 'nothing' },
      { by: 'resource-id', value: resourceID },
      { by: 'resource-id', value: resourceID.toUpperCase() },
    ];
    const by = (world: World, selector: Selector) =>
      authorize({ pod: pod(), selector }, viewOf(world).view, rules);

    it.each(selectors)('serves one identity, by the client id that is stated: %j', (selector) => {
      const meant = { resourceId: resourceID.toLowerCase(), clientId: clientIdOf('reader') };
      for (const world of [
        worldOf(silent('a'), stating('b')),
        worldOf(stating('a'), silent('b')),
        worldOf(silent('a'), stating('b'), silent('c'), stating('d')),
      ])
        expect(by(world, selector)).toMatchObject({ kind: 'allow', identity: meant });
    });

    it.each(selectors)('refuses two client ids whatever is between them: %j', (selector) => {
      const told = { why: 'several-identities', offered: [clientIdOf('other'), clientIdOf('reader')].sort() };
      for (const world of [
        worldOf(stating('a'), silent('b'), stating('c', 'other')),
        worldOf(silent('a'), stating('b'), stating('c', 'other')),
      ])
        expect(by(world, selector)).toEqual({ kind: 'deny', denial: told });
    });

    it('offers a managed identity once', () => {
      const world = worldOf(silent('a'), stating('b'), writer);
      expect(by(world, { by: 'nothing' })).toMatchObject({
        denial: { offered: [clientIdOf('reader'), clientIdOf('writer')].sort() },
      });
    });

    it('serves it by the client id that is stated, though the default is the object without one', () => {
      expect(decide(worldOf(silent('a'), stating('b')), { defaultIdentity: 'a' })).toMatchObject({
        identity: { name: 'default/b', clientId: clientIdOf('reader') },
      });
    });

    it('serves the default, whichever of its objects is marked', () => {
      const world = worldOf(silent('a'), stating('b'), writer);
      for (const defaultIdentity of ['a', 'b'])
        expect(decide(world, { defaultIdentity })).toMatchObject({
          identity: { name: `default/${defaultIdentity}`, resourceId: resourceID.toLowerCase() },
        });
    });
  });

  it('two service principals are never one, even with equal client ids: they have no resource id', () => {
    const one = principal('one', { clientID: clientIdOf('same') });
    const two = principal('two', { clientID: clientIdOf('same'), tenantID: 't2' });
    expect(decide({ identities: [one, two], bindings: [binding('one'), binding('two')] })).toMatchObject({
      denial: { why: 'several-identities', offered: [clientIdOf('same')] },
    });
  });

  it('a service principal is not meant by a resource id, whatever its AzureIdentity states as one', () => {
    const resourceID = resourceIdOf('reader');
    const app = identity({
      name: 'app',
      type: 1,
      resourceID,
      spec: { tenantID: 't1', clientPassword: { name: 'credentials' } },
    });
    const decision = authorize(
      { pod: pod(), selector: { by: 'resource-id', value: resourceID } },
      viewOf({ identities: [app], bindings: [binding('app')] }).view,
      rules,
    );
    expect(decision).toMatchObject({ denial: { why: 'not-this-identity', offered: [clientIdOf('app')] } });
  });

  it('offers client ids, and resource ids where there is none, in order', () => {
    const nameless = identity({ name: 'nameless', clientID: undefined });
    const world: World = {
      identities: [writer, nameless, reader],
      bindings: [binding('writer'), binding('nameless'), binding('reader')],
    };
    expect(decide(world)).toMatchObject({
      denial: {
        offered: [
          resourceIdOf('nameless').toLowerCase(),
          ...[clientIdOf('reader'), clientIdOf('writer')].sort(),
        ],
      },
    });
  });
});

describe('the description of a service principal', () => {
  const faultOf = (spec: object) => {
    const world = { identities: [principal('app', spec)], bindings: [binding('app')] };
    const decision = authorize({ pod: pod(), selector: { by: 'nothing' } }, viewOf(world).view, rules);
    return decision.kind === 'unusable' ? decision.fault : decision.kind;
  };

  it('may name the tenants on which rights are given, and no others', () => {
    const longest = 'a'.repeat(253);
    const texts = [
      'a',
      'contoso',
      'contoso.com',
      'adfs',
      'A-1',
      longest,
      '',
      `${longest}a`,
      'a/b',
      'ä',
      'a b',
      '-a',
      '.a',
      'a.',
      'a?b',
    ];
    const servable = (tenantID: string) => faultOf({ tenantID }) === 'allow';
    const grantable = (tenantID: string) => accessTargetsOf(principal('app', { tenantID })).ok;
    expect(texts.filter(servable)).toEqual(texts.slice(0, 6));
    expect(texts.filter(grantable)).toEqual(texts.slice(0, 6));
  });

  it.each(['https://user@login.microsoftonline.com', 'https://:word@login.microsoftonline.com'])(
    'names no login endpoint with credentials: %s',
    (adEndpoint) => {
      expect(faultOf({ adEndpoint })).toMatch(/adEndpoint/);
    },
  );
});
