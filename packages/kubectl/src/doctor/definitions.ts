// Whether each kind is served with all fields that MIC and NMI read: an API server drops others without a word.
import { group, resources } from '@pod-identity/crd-types';
import { clusterKinds } from '@pod-identity/kit/core';
import { fieldAt, listAt, nameOf, textAt } from '../cluster/fields.ts';
import { itemsOf, listAllowed, unknownOf, type ClusterReader } from '../cluster/lists.ts';
import { clusterProblem, type Found } from '../judge/causes.ts';
import { updateDefinitions } from '../judge/judge-services.ts';

const forOld = 'kubectl apply --server-side --force-conflicts -k deploy/overlays/old-definitions';

const { AzureIdentity, AzureIdentityBinding, AzureAssignedIdentity, AzurePodIdentityException } = resources;
const identity =
  'type resourceID clientID clientPassword tenantID auxiliaryTenantIDs adEndpoint allowedNamespaces';
const binding = 'azureIdentity selector podSelector serviceAccountName default';
const record = 'azureIdentityRef azureBindingRef pod podNamespace nodename';

const inSpec = (names: string) => names.split(' ').map((name) => `spec.${name}`);

/** What is read, by the names of the definitions. */
const read: Readonly<Record<string, readonly string[]>> = {
  [`${AzureIdentity.plural}.${group}`]: [...inSpec(identity), 'status.conditions'],
  [`${AzureIdentityBinding.plural}.${group}`]: [...inSpec(binding), 'status.conditions'],
  [`${AzureAssignedIdentity.plural}.${group}`]: [...inSpec(record), 'status.status'],
  [`${AzurePodIdentityException.plural}.${group}`]: inSpec('podLabels clientIDs'),
};

export async function checkDefinitions({ kube, signal }: ClusterReader) {
  const list = await listAllowed({ kube, signal, kind: clusterKinds.definitions, trim: (one) => one });
  const found = itemsOf(list).flatMap((theirs) => {
    const { name } = nameOf(theirs);
    const fields = new Map(Object.entries(read)).get(name);
    return fields === undefined ? [] : faultOf(name, theirs, fields);
  });
  return { holds: 'all definitions have all fields', found, unknown: unknownOf(list) };
}

/** Of one that is there; others are among the causes already, as kinds that the cluster does not have. */
function faultOf(name: string, theirs: unknown, fields: readonly string[]): readonly Found[] {
  const served = listAt(theirs, 'spec.versions').find((version) => textAt(version, 'name') === 'v1');
  const isOld = fieldAt(theirs, 'spec.preserveUnknownFields') === true;
  const missing = isOld
    ? []
    : fields.filter((field) => isDropped(field, fieldAt(served, 'schema.openAPIV3Schema')));
  if (!isOld && missing.length === 0) return [];
  const fault = isOld
    ? 'is of API v1beta1 (preserveUnknownFields): nothing checks what is written'
    : `is the original's or an old one: the API server drops ${missing.join(', ')}`;
  const remedy = isOld ? { ...updateDefinitions, command: forOld } : updateDefinitions;
  return [clusterProblem({ key: `definition ${name}`, text: `${name} ${fault}`, remedy })];
}

function isDropped(path: string, schema: unknown): boolean {
  if (path === '' || keepsAll(schema)) return false;
  const [name = '', ...rest] = path.split('.');
  const field = fieldAt(schema, `properties.${name}`);
  return field === undefined || isDropped(rest.join('.'), field);
}

function keepsAll(schema: unknown): boolean {
  const open = fieldAt(schema, 'additionalProperties');
  return (
    fieldAt(schema, 'x-kubernetes-preserve-unknown-fields') === true || (open !== undefined && open !== false)
  );
}
