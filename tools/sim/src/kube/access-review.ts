// Reviews are answered and never stored: https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/subject-access-review-v1/
import { at, isRecord, omit, recordAt, type Json } from './object.ts';
import type { ResourceType } from './resources.ts';
import { apiVersionOf } from './resources.ts';
import type { Attributes, Rights } from './rights.ts';
import { badRequest, invalid, type Cause } from './status.ts';

/** What the server answers to a review that was posted. */
export function reviewAccess(type: ResourceType, rights: Rights, given: unknown): Json {
  const review = isRecord(given) ? given : {};
  const kind = review['kind'] ?? type.kind;
  const apiVersion = review['apiVersion'] ?? apiVersionOf(type);
  if (!isRecord(given) || kind !== type.kind || apiVersion !== apiVersionOf(type))
    throw badRequest(`the body cannot be handled as a ${type.kind}: kind and apiVersion must be its own`);
  const spec = recordAt(review, 'spec');
  const question = { user: text(spec, 'user'), groups: texts(spec, 'groups'), ...attributesOf(spec) };
  const causes = causesOf(review, question);
  if (causes.length > 0) throw invalid(type, '', causes);
  const { attributes } = question;
  const reason = attributes && rights.grantOf({ ...question, attributes });
  return {
    kind: type.kind,
    apiVersion: apiVersionOf(type),
    metadata: { creationTimestamp: null },
    spec,
    status: reason === undefined ? { allowed: false } : { allowed: true, reason },
  };
}

interface Read {
  readonly user: string;
  readonly groups: readonly string[];
  /** Undefined when there is none, or more than one. */
  readonly attributes: Attributes | undefined;
}

function causesOf(review: Json, { user, groups }: Read): Cause[] {
  const { resourceAttributes, nonResourceAttributes } = recordAt(review, 'spec');
  const causes: Cause[] = [];
  const add = (field: string, message: string) =>
    causes.push({ reason: 'FieldValueInvalid', field, message });
  if (isRecord(resourceAttributes) && isRecord(nonResourceAttributes))
    add('spec.nonResourceAttributes', 'cannot be specified in combination with resourceAttributes');
  if (!isRecord(resourceAttributes) && !isRecord(nonResourceAttributes))
    add(
      'spec.resourceAttributes',
      'exactly one of nonResourceAttributes or resourceAttributes must be specified',
    );
  if (user === '' && groups.length === 0)
    add('spec.user', 'Invalid value: "": at least one of user or group must be specified');
  if (Object.keys(omit(recordAt(review, 'metadata'), 'creationTimestamp')).length > 0)
    add('metadata', 'must be empty');
  return causes;
}

function attributesOf(spec: Json): { readonly attributes: Attributes | undefined } {
  const { resourceAttributes, nonResourceAttributes } = spec;
  for (const attributes of [resourceAttributes ?? {}, nonResourceAttributes ?? {}])
    if (!isRecord(attributes)) throw badRequest('the attributes of a review are an object');
  if (isRecord(nonResourceAttributes)) {
    const path = { path: text(nonResourceAttributes, 'path'), verb: text(nonResourceAttributes, 'verb') };
    return { attributes: { kind: 'path', ...path } };
  }
  if (!isRecord(resourceAttributes)) return { attributes: undefined };
  const [namespace, verb, group, resource, subresource, name] = [
    ...['namespace', 'verb', 'group', 'resource', 'subresource', 'name'],
  ].map((key) => text(resourceAttributes, key)) as [string, string, string, string, string, string];
  return { attributes: { kind: 'resource', namespace, verb, group, resource, subresource, name } };
}

function text(of: Json, key: string): string {
  const value = at(of, key) ?? '';
  if (typeof value !== 'string') throw badRequest(`cannot unmarshal ${typeof value} into the text ${key}`);
  return value;
}

function texts(of: Json, key: string): readonly string[] {
  const value = at(of, key) ?? [];
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string'))
    throw badRequest(`cannot unmarshal ${key} into a list of texts`);
  return value;
}
