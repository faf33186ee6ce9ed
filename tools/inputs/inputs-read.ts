// What the services read of text that others write, from the tables that the code reads by: the sieve's fields, the headers, the parameters
// and the keys of Secrets.
import { fieldLimits, namespaceFields } from '../../packages/crd-types/src/index.ts';
import { reviewFields } from '../../packages/kit/src/kube/access-review.ts';
import type { Fields } from '../../packages/kit/src/kube/index.ts';
import { leaseFields } from '../../packages/kit/src/kube/lease.ts';
import { taintFields } from '../../packages/kit/src/kube/node-taints.ts';
import { lockFields } from '../../packages/mic/src/compat/lock-reader.ts';
import { agentFields } from '../../packages/mic/src/snapshot/watch/agent-watch.ts';
import { nodeFields } from '../../packages/mic/src/snapshot/watch/cluster-watch.ts';
import { podFieldsWithLabels } from '../../packages/mic/src/snapshot/watch/pod-fields.ts';
import { tokenReviewFields } from '../../packages/nmi/src/broker-service/agents.ts';
import { brokerPodFields } from '../../packages/nmi/src/broker-service/pods.ts';
import { podFields } from '../../packages/nmi/src/identify/pod-view.ts';
import { readParameters } from '../../packages/nmi/src/request/token-request.ts';
import { readHeaders } from '../../packages/nmi/src/request/wire.ts';
import { wantedKeys } from '../../packages/nmi/src/tokens/principal/secret-keys.ts';
import { secretMetadata } from '../../packages/nmi/src/tokens/principal/secret-reader.ts';
import type { InputRead } from './entry.ts';

/** By the first word of the ids. The fields of an Endpoints object are those of the original's lock. */
const tables: Readonly<Record<string, Fields>> = {
  ...fieldLimits,
  Namespace: namespaceFields,
  'NMI:Pod': podFields,
  'MIC:Pod': podFieldsWithLabels,
  'Broker:Pod': brokerPodFields,
  'MIC:agent': agentFields,
  Node: mergedFields(nodeFields, taintFields),
  Lease: leaseFields,
  Endpoints: lockFields,
  SubjectAccessReview: reviewFields,
  TokenReview: tokenReviewFields,
  Secret: { members: { metadata: secretMetadata } },
};

export function inputsRead(): readonly InputRead[] {
  const fields = Object.entries(tables).flatMap(([object, table]) => leavesOf(table, object));
  const secretKeys = (['secret', 'certificate'] as const).flatMap((credential) =>
    [...wantedKeys(credential).limits].map(([key, upTo]) => ({ id: `Secret.data.${key}`, upTo })),
  );
  return [
    ...fields,
    ...secretKeys,
    ...readHeaders.map((name) => ({ id: `header ${name}`, upTo: undefined })),
    ...readParameters.map((name) => ({ id: `parameter ${name}`, upTo: undefined })),
  ];
}

function leavesOf(fields: Fields, path: string): readonly InputRead[] {
  if ('upTo' in fields) return [{ id: path, upTo: fields.upTo }];
  return Object.entries(fields.members).flatMap(([name, inner]) => leavesOf(inner, `${path}.${name}`));
}

/** Two services read different fields of one object. */
function mergedFields(one: Fields, other: Fields): Fields {
  if ('upTo' in one || 'upTo' in other) return 'upTo' in one ? one : other;
  const members: Record<string, Fields> = { ...one.members };
  for (const [name, inner] of Object.entries(other.members)) {
    const known = members[name];
    members[name] = known ? mergedFields(known, inner) : inner;
  }
  return { members };
}

const table = /: (?:Fields|FieldLimits) = |Record<\w+, (?:Fields|FieldLimits)>> = |\bwholeObject\b/;

/** Whether a source file says which fields are read of objects of the API server: no read works without. */
export function namesFields(source: string): boolean {
  return table.test(source);
}

/** All files for which `namesFields` holds. */
export const tableFiles: readonly string[] = [
  'packages/crd-types/src/parsing/fields.ts',
  'packages/crd-types/src/access/namespace-view.ts',
  'packages/kit/src/kube/access-review.ts',
  'packages/kit/src/kube/fields.ts',
  'packages/kit/src/kube/index.ts',
  'packages/kit/src/kube/lease.ts',
  'packages/kit/src/kube/node-taints.ts',
  // The head of a list, and the Status in an event of a watch: the API server writes both.
  'packages/kit/src/kube/response-reader.ts',
  // The response to a DELETE, of which nothing is read.
  'packages/kit/src/kube/resource.ts',
  // The version in the response to a write, and the whole object to remove the original's finalizer from it.
  'packages/mic/src/apply/assigned-identity-writer.ts',
  // ConfigMaps of MIC's own namespace.
  'packages/mic/src/apply/ledger.ts',
  // ClusterRoles and ClusterRoleBindings, for a person's command.
  'packages/mic/src/commands/rbac.ts',
  // MIC's own ClusterRoleBinding, for a person's command.
  'packages/mic/src/commands/home.ts',
  'packages/mic/src/compat/lock-reader.ts',
  'packages/mic/src/snapshot/watch/agent-watch.ts',
  'packages/mic/src/snapshot/watch/cluster-watch.ts',
  'packages/mic/src/snapshot/watch/pod-fields.ts',
  // The ConfigMap of the broker's replicas, which the broker alone may write.
  'packages/nmi/src/broker/roster/writer.ts',
  'packages/nmi/src/broker-service/agents.ts',
  'packages/nmi/src/broker-service/pods.ts',
  'packages/nmi/src/identify/pod-view.ts',
  'packages/nmi/src/tokens/federated/replicas.ts',
  'packages/nmi/src/tokens/principal/secret-reader.ts',
];
