import { customResourceDefinitions } from '@pod-identity/crd-types';
import { problem } from '@pod-identity/policy';
import { memberOf } from '../../../mic/src/commands/plug-in.ts';
import { found, itemsOf, type Checked, type Definition, type DoctorWorld } from './world.ts';

const update = 'kubectl apply -f deploy/crds';
const oldUpdate = 'kubectl apply --server-side --force-conflicts -k deploy/overlays/old-definitions';

/** Each kind is served as v1, with all fields that MIC and NMI read: an API server drops others without a word. */
export function checkDefinitions({ definitions }: DoctorWorld): Checked {
  const { items, unknown } = itemsOf(definitions);
  if (unknown.length > 0) return { findings: [], unknown };
  const findings = customResourceDefinitions().flatMap(({ metadata: { name }, spec: { versions } }) => {
    const fault = faultOf(
      items.find((one) => one.name === name),
      versions[0]?.schema.openAPIV3Schema,
    );
    if (fault === undefined) return [];
    const command = fault.isOld === true ? oldUpdate : update;
    const remedy = { text: 'update the definitions, from a checkout of the repository', command };
    return [
      found(`CustomResourceDefinition/${name}`, problem('definition', `${name} ${fault.text}`, remedy)),
    ];
  });
  return { findings, unknown };
}

interface Fault {
  readonly text: string;
  readonly isOld?: boolean;
}

function faultOf(definition: Definition | undefined, ours: unknown): Fault | undefined {
  if (definition === undefined) return { text: 'is not there' };
  const { schema, keepsUnknownFields: isOld } = definition;
  if (schema === undefined) return { text: 'is not served as v1', isOld };
  const missing = isOld ? [] : missingFields(ours, schema, '');
  if (missing.length > 0)
    return { text: `is the original's or an old one: the API server drops ${missing.join(', ')}` };
  return isOld
    ? { text: 'is of API v1beta1 (preserveUnknownFields): nothing checks what is written', isOld }
    : undefined;
}

/** Paths of ours that theirs drops. */
function missingFields(ours: unknown, theirs: unknown, path: string): readonly string[] {
  const properties = memberOf(ours, 'properties');
  if (typeof properties !== 'object' || properties === null || keepsAll(theirs)) return [];
  const known = memberOf(theirs, 'properties');
  return Object.entries(properties).flatMap(([name, ourField]) => {
    const field = memberOf(known, name);
    const at = path === '' ? name : `${path}.${name}`;
    if (field === undefined) return [at];
    return missingFields(ourField, field, at);
  });
}

function keepsAll(schema: unknown): boolean {
  const open = memberOf(schema, 'additionalProperties');
  return (
    memberOf(schema, 'x-kubernetes-preserve-unknown-fields') === true ||
    (open !== undefined && open !== false)
  );
}
