// Whether each kind is served with all fields that MIC and NMI read: an API server drops others without a word.
import { customResourceDefinitions } from '@pod-identity/crd-types';
import { clusterKinds } from '@pod-identity/kit/core';
import { fieldAt, isObject, listAt, nameOf, textAt } from '../cluster/fields.ts';
import { itemsOf, listAllowed, unknownOf, type ClusterReader } from '../cluster/lists.ts';
import { clusterProblem, type Found } from '../judge/causes.ts';
import { updateDefinitions } from '../judge/judge-services.ts';
import type { Check } from './check.ts';

const forOld = 'kubectl apply --server-side --force-conflicts -k deploy/overlays/old-definitions';

export async function checkDefinitions({ kube, signal }: ClusterReader): Promise<Check> {
  const own = new Map(
    customResourceDefinitions().map(({ metadata, spec }) => [
      metadata.name,
      spec.versions[0]?.schema.openAPIV3Schema,
    ]),
  );
  const list = await listAllowed({ kube, signal, kind: clusterKinds.definitions, trim: (one) => one });
  const found = itemsOf(list).flatMap((theirs) => {
    const { name } = nameOf(theirs);
    return own.has(name) ? faultOf(name, theirs, own.get(name)) : [];
  });
  return { holds: 'all definitions have all fields', found, unknown: unknownOf(list) };
}

/** Of one that is there; others are among the causes already, as kinds that the cluster does not have. */
function faultOf(name: string, theirs: unknown, ours: unknown): readonly Found[] {
  const served = listAt(theirs, 'spec.versions').find((version) => textAt(version, 'name') === 'v1');
  const isOld = fieldAt(theirs, 'spec.preserveUnknownFields') === true;
  const missing = isOld ? [] : missingFields(ours, fieldAt(served, 'schema.openAPIV3Schema'), '');
  if (!isOld && missing.length === 0) return [];
  const fault = isOld
    ? 'is of API v1beta1 (preserveUnknownFields): nothing checks what is written'
    : `is the original's or an old one: the API server drops ${missing.join(', ')}`;
  const remedy = isOld ? { ...updateDefinitions, command: forOld } : updateDefinitions;
  return [clusterProblem({ key: `definition ${name}`, text: `${name} ${fault}`, remedy })];
}

/** Paths of ours that theirs drops. */
function missingFields(ours: unknown, theirs: unknown, path: string): readonly string[] {
  const properties = fieldAt(ours, 'properties');
  if (!isObject(properties) || keepsAll(theirs)) return [];
  const known = fieldAt(theirs, 'properties');
  return Object.entries(properties).flatMap(([name, ourField]) => {
    const field = isObject(known) && Object.hasOwn(known, name) ? known[name] : undefined;
    const at = path === '' ? name : `${path}.${name}`;
    return field === undefined ? [at] : missingFields(ourField, field, at);
  });
}

function keepsAll(schema: unknown): boolean {
  const open = fieldAt(schema, 'additionalProperties');
  return (
    fieldAt(schema, 'x-kubernetes-preserve-unknown-fields') === true || (open !== undefined && open !== false)
  );
}
