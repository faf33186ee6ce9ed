// AzureIdentities of type 3: what is requested of the broker, and with which right.
import { describe, expect, it, test } from 'vitest';
import {
  authorize,
  binding,
  clientIdOf,
  identity,
  pod,
  resourceIdOf,
  rules,
  viewOf,
} from '../../test/builders.ts';
import type { Selector } from '../request/token-request.ts';
import { deciderFor } from './authorize.ts';
import type { AuthorizeRules, Decision } from './types.ts';

const tenantID = '72F988BF-86F1-41AF-91AB-2D7CD011DB47';
const otherTenantID = tenantID.replace('7', '1');
const withBroker: AuthorizeRules = { ...rules, hasBroker: true };
const nothing = { by: 'nothing' } as const;
const reader = identity({ name: 'reader' });
const federated = (name: string, spec: object = {}, namespace = 'default') =>
  identity({
    name,
    namespace,
    type: 3,
    clientID: clientIdOf('reader'),
    resourceID: '',
    spec: { tenantID, ...spec },
  });
const worldOf = (...identities: ReturnType<typeof identity>[]) => ({
  identities,
  bindings: identities.map(({ metadata: { name, namespace = '' } }) => binding(name, { namespace })),
});
const decide = (world: ReturnType<typeof worldOf>, selector: Selector = nothing, given = withBroker) =>
  authorize({ pod: pod(), selector }, viewOf(world).view, given);
const accessOf = (decision: Decision) => (decision.kind === 'allow' ? decision.identity.access : undefined);
const nameIn = (decision: Decision) => (decision.kind === 'allow' ? decision.identity.name : decision.kind);

describe('an AzureIdentity of type 3', () => {
  it('is requested of the broker for this pod, by ids in lower case', () => {
    expect(decide(worldOf(federated('app')))).toMatchObject({
      kind: 'allow',
      identity: {
        kind: 'federated',
        name: 'default/app',
        clientId: clientIdOf('reader'),
        tenantId: tenantID.toLowerCase(),
        pod: { namespace: 'default', name: 'web', uid: 'uid-web' },
      },
    });
  });

  it.each(['namespace', 'warn', 'rbac'] as const)('needs its own right in mode %s', (identityAccess) => {
    expect(
      accessOf(decide(worldOf(federated('app')), nothing, { ...withBroker, identityAccess })),
    ).toMatchObject({
      mode: 'rbac',
      subject: { namespace: 'default', name: 'default' },
      pairs: [
        {
          target: {
            resource: 'federatedidentities',
            names: [expect.stringContaining('/'), expect.anything()],
          },
        },
      ],
    });
  });

  it('takes the right in the tenant that the object names, whichever its author chose', () => {
    const other = '11111111-86F1-41AF-91AB-2D7CD011DB47';
    const access = accessOf(decide(worldOf(federated('app', { tenantID: other }))));
    const [pair] = access?.pairs === 'machine' ? [] : (access?.pairs ?? []);
    expect(pair?.target.names[1]).toBe(other.toLowerCase());
  });

  it('cannot be served without a broker, and the text says what is missing', () => {
    expect(decide(worldOf(federated('app')), nothing, rules)).toMatchObject({
      kind: 'unusable',
      identity: 'default/app',
      fault: expect.stringMatching(/type 3 .*NMI flag --broker/) as string,
    });
  });

  it('is named by the resource id that it had as type 0', () => {
    const moved = federated('app', { resourceID: resourceIdOf('reader') });
    const selector: Selector = { by: 'resource-id', value: resourceIdOf('reader').toLowerCase() };
    expect(nameIn(decide(worldOf(moved), selector))).toBe('default/app');
  });
});

describe('the same identity as type 0 and as type 3', () => {
  const byClient: Selector = { by: 'client-id', value: clientIdOf('reader') };

  it.each([nothing, byClient])(
    'is requested as type 3, so that the other one can be attached first (%j)',
    (selector) => {
      expect(nameIn(decide(worldOf(reader, federated('app')), selector))).toBe('default/app');
    },
  );

  it('is requested as type 3 in place of a service principal of the same tenant', () => {
    const secret = identity({ name: 'secret', type: 1, clientID: clientIdOf('reader'), spec: { tenantID } });
    expect(nameIn(decide(worldOf(secret, federated('app')), byClient))).toBe('default/app');
  });

  it('is requested as type 0 where the ServiceAccount lacks the right of type 3', () => {
    const decideBy = deciderFor(pod(), viewOf(worldOf(reader, federated('app'))).view, withBroker);
    expect(nameIn(decideBy(nothing, new Set(['default/app'])))).toBe('default/reader');
  });

  test.each([
    ['with another client id', [reader, federated('app', { clientID: clientIdOf('other') })]],
    ['with another tenant', [federated('a'), federated('b', { tenantID: otherTenantID })]],
    [
      'whose client id the other does not state',
      [identity({ name: 'reader', clientID: undefined }), federated('app')],
    ],
    ['of another namespace', [reader, federated('app', {}, 'other')]],
    [
      'that is a service principal of another tenant',
      [
        identity({
          name: 'secret',
          type: 1,
          clientID: clientIdOf('reader'),
          spec: { tenantID: otherTenantID },
        }),
        federated('app'),
      ],
    ],
  ])('attack: one %s is another identity, and the request must name one', (_, identities) => {
    expect(decide(worldOf(...identities))).toMatchObject({
      kind: 'deny',
      denial: { why: 'several-identities' },
    });
  });
});
