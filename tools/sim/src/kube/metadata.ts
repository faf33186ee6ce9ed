import { isRecord, type Json, type KubeObject, type Metadata } from './object.ts';
import { badRequest, type Cause } from './status.ts';

const texts = [
  'name',
  'generateName',
  'namespace',
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'deletionTimestamp',
];
const numbers = ['generation', 'deletionGracePeriodSeconds'];
const maps = ['labels', 'annotations'];
const lists = ['ownerReferences', 'finalizers'];

const isText = (value: unknown): boolean => typeof value === 'string';
const isTextMap = (value: unknown): boolean => isRecord(value) && Object.values(value).every(isText);

const shapes: readonly (readonly [readonly string[], string, (value: unknown) => boolean])[] = [
  [texts, 'a string', isText],
  [numbers, 'a number', (value) => typeof value === 'number'],
  [maps, 'a map of strings', isTextMap],
  [lists, 'a list', Array.isArray],
];

/** The metadata fields that the server knows. Values of a wrong type are refused. */
function readMetadata(value: unknown): Metadata {
  const given = isRecord(value) ? value : {};
  const read: Json = {};
  for (const [keys, shape, fits] of shapes) {
    for (const key of keys) {
      const field = given[key];
      if (field === undefined || field === null) continue;
      if (!fits(field)) throw badRequest(`metadata.${key} is ${JSON.stringify(field)}: it must be ${shape}`);
      // Empty fields are omitted, as the real server does.
      if (typeof field === 'object' && Object.keys(field).length === 0) continue;
      read[key] = field;
    }
  }
  return read;
}

/** A body as an object. */
export function readObject(body: unknown): KubeObject {
  if (!isRecord(body)) throw badRequest('the body must be a JSON object');
  return { ...body, metadata: readMetadata(body['metadata']) };
}

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain = new RegExp(`^${label}(\\.${label})*$`);
const dnsLabel = new RegExp(`^${label}$`);
const qualifiedName = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

const badValue = (field: string, value: string, message: string): Cause => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${JSON.stringify(value)}: ${message}`,
});

function keyProblem(key: string): string | undefined {
  const slash = key.lastIndexOf('/');
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  const name = key.slice(slash + 1);
  if (prefix !== undefined && (prefix.length > 253 || !subdomain.test(prefix)))
    return 'prefix part must be a DNS subdomain';
  if (name.length > 63) return 'name part must be no more than 63 characters';
  return qualifiedName.test(name)
    ? undefined
    : "name part must consist of alphanumeric characters, '-', '_' or '.'";
}

function labelProblem(value: string): string | undefined {
  if (value.length > 63) return 'must be no more than 63 characters';
  return value === '' || qualifiedName.test(value)
    ? undefined
    : "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.'";
}

const annotationsLimit = 256 * 1024;

function keyCauses(field: string, record: Readonly<Record<string, string>>): Cause[] {
  return Object.keys(record).flatMap((key) => {
    const problem = keyProblem(field === 'metadata.annotations' ? key.toLowerCase() : key);
    return problem === undefined ? [] : [badValue(field, key, problem)];
  });
}

function nameCauses(name: string, rule: 'label' | 'subdomain' | 'path'): Cause[] {
  const field = 'metadata.name';
  if (rule === 'path') return /[/%]/.test(name) ? [badValue(field, name, "may not contain '/' or '%'")] : [];
  const longest = rule === 'label' ? 63 : 253;
  if (name.length > longest) return [badValue(field, name, `must be no more than ${longest} characters`)];
  const pattern = rule === 'label' ? dnsLabel : subdomain;
  return pattern.test(name)
    ? []
    : [
        badValue(
          field,
          name,
          `a lowercase RFC 1123 ${rule} must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character`,
        ),
      ];
}

function ownerCauses(metadata: Metadata): Cause[] {
  return (metadata.ownerReferences ?? []).flatMap((owner) =>
    (['apiVersion', 'kind', 'name', 'uid'] as const)
      .filter((key) => !owner[key])
      .map((key) => badValue(`metadata.ownerReferences.${key}`, '', 'must not be empty')),
  );
}

/**
 * The problems of an object's metadata.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ and …/labels/
 */
export function metadataCauses(
  metadata: Metadata,
  nameRule: 'label' | 'subdomain' | 'path',
): readonly Cause[] {
  const { name = '', labels = {}, annotations = {}, finalizers = [] } = metadata;
  const annotated = Object.entries(annotations).reduce(
    (sum, [key, value]) => sum + key.length + value.length,
    0,
  );
  return [
    ...nameCauses(name, nameRule),
    ...keyCauses('metadata.labels', labels),
    ...Object.values(labels).flatMap((value) => {
      const problem = labelProblem(value);
      return problem === undefined ? [] : [badValue('metadata.labels', value, problem)];
    }),
    ...keyCauses('metadata.annotations', annotations),
    ...(annotated > annotationsLimit
      ? [
          {
            reason: 'FieldValueInvalid' as const,
            field: 'metadata.annotations',
            message: 'Too long: must have at most 262144 bytes',
          },
        ]
      : []),
    ...finalizers.flatMap((finalizer) => {
      const problem = keyProblem(finalizer);
      return problem === undefined ? [] : [badValue('metadata.finalizers', finalizer, problem)];
    }),
    ...ownerCauses(metadata),
  ];
}
