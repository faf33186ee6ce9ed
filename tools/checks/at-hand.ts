// What the examples in the doc comments of crd-types use without a declaration, as a reader has it.
import {
  accessTargetsOf,
  parseAzureIdentity,
  parseAzureIdentityBinding,
  type Parsed,
} from '@pod-identity/crd-types';

/** As a server returns it. */
const object: unknown = {
  metadata: { name: 'reader', namespace: 'shop' },
  spec: {
    type: 0,
    resourceID:
      '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader',
  },
};
const identity = valid(parseAzureIdentity(object));
const binding = valid(
  parseAzureIdentityBinding({
    metadata: { name: 'demo', namespace: 'shop' },
    spec: {
      azureIdentity: 'reader',
      selector: 'demo',
      podSelector: { matchLabels: { app: 'web' } },
      serviceAccountName: 'shop',
    },
  }),
);
const identities = new Map([['shop/reader', identity]]);

export const atHand = {
  object,
  response: new Response(JSON.stringify(object)),
  identity,
  identities,
  bindings: [binding],
  targets: valid(accessTargetsOf(identity)),
  node: {
    spec: {
      providerID:
        'azure:///subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachineScaleSets/aks-pool-1/virtualMachines/0',
    } as { readonly providerID?: string },
  },
};

function valid<T>(parsed: Parsed<T>): T {
  if (parsed.ok) return parsed.value;
  throw new Error(parsed.problems.map(({ path, message }) => `${path} ${message}`).join('; '));
}
