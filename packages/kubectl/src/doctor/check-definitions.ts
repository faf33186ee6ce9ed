import { customResourceDefinitions } from '@pod-identity/crd-types';
import { problem } from '@pod-identity/policy';
import { fieldAt, isObject } from '../cluster/fields.ts';
import { found, type CheckResult, type Definition, type DoctorFacts } from './facts.ts';

const update = 'kubectl apply -f deploy/crds';
const oldUpdate = 'kubectl apply --server-side --force-conflicts -k deploy/overlays/old-definitions';

/** Each kind is served as v1, with all fields that MIC and NMI read: an API server drops others without a word. */
export function checkDefinitions({ definitions }: DoctorFacts): CheckResult {
  if (definitions.kind === 'not-read') return { findings: [], unknown: [definitions.text] };
  const findings = customResourceDefinitions().flatMap(({ metadata: { name }, spec: { versions } }) => {
    const fault = faultOf(
      definitions.items.find((one) => one.name === name),
      versions[0]?.schema.openAPIV3Schema,
    );
    if (fault === undefined) return [];
    const command = fault.isOld === true ? oldUpdate : update;
    const remedy = { text: 'update the definitions, from a checkout of the repository', command };
    return [
      found(`CustomResourceDefinition/${name}`, problem('definition', `${name} ${fault.text}`, remedy)),
    ];
  });
  return { findings, unknown: [] };
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
  const properties = fieldAt(ours, 'properties');
  if (!isObject(properties) || keepsAll(theirs)) return [];
  const known = fieldAt(theirs, 'properties');
  return Object.entries(properties).flatMap(([name, ourField]) => {
    const field = isObject(known) && Object.hasOwn(known, name) ? known[name] : undefined;
    const at = path === '' ? name : `${path}.${name}`;
    if (field === undefined) return [at];
    return missingFields(ourField, field, at);
  });
}

function keepsAll(schema: unknown): boolean {
  const open = fieldAt(schema, 'additionalProperties');
  return (
    fieldAt(schema, 'x-kubernetes-preserve-unknown-fields') === true || (open !== undefined && open !== false)
  );
}
