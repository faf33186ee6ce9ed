// Small clusters of a few names, so that bindings, identities and requests meet.
import fc from 'fast-check';
import type { Selector } from '../src/request/token-request.ts';
import { binding, clientIdOf, exception, identity, objectIdOf, pod, resourceIdOf } from './builders.ts';

const principalSpec = { tenantID: 't1', clientPassword: { name: 'credentials' } };
const names = ['a', 'b', 'c', 'd'];
const namespaces = ['default', 'shop'];
const name = fc.constantFrom(...names);
const namespace = fc.constantFrom(...namespaces);

const anIdentity = fc
  .record({
    name,
    namespace,
    isNamespaced: fc.boolean(),
    resource: name,
    client: fc.option(name),
    type: fc.constantFrom(0, 0, 0, 1),
  })
  .map(({ resource, client, ...rest }) =>
    identity({
      ...rest,
      ...(rest.type === 1 && { spec: principalSpec }),
      resourceID: resourceIdOf(resource),
      clientID: client === null ? undefined : clientIdOf(client),
    }),
  );
const unique = <T extends { metadata: { name: string; namespace?: string } }>(all: T[]) => [
  ...new Map(all.map((each) => [`${each.metadata.namespace ?? ''}/${each.metadata.name}`, each])).values(),
];
export const aWorld = fc.record({
  identities: fc.array(anIdentity, { maxLength: 6 }).map(unique),
  bindings: fc
    .array(
      fc
        .record({ of: name, namespace, selector: fc.constantFrom('demo', 'other', ''), id: fc.nat(5) })
        .map(({ of, id, ...rest }) => binding(of, { name: `b${id}`, ...rest })),
      { maxLength: 6 },
    )
    .map(unique),
  exceptions: fc.constantFrom([], [], [exception({ aadpodidbinding: 'demo' })]),
});
export const aPod = fc
  .record({
    namespace,
    labels: fc.constantFrom<Record<string, string>>(
      {},
      { aadpodidbinding: '' },
      { aadpodidbinding: 'demo' },
      { aadpodidbinding: 'x' },
    ),
  })
  .map((over) => pod(over));
export const aSelector: fc.Arbitrary<Selector> = fc.oneof(
  fc.constant<Selector>({ by: 'nothing' }),
  name.map((of): Selector => ({ by: 'client-id', value: clientIdOf(of) })),
  name.map((of): Selector => ({ by: 'resource-id', value: resourceIdOf(of).toLowerCase() })),
  name.map((of): Selector => ({ by: 'object-id', value: objectIdOf(of) })),
);
