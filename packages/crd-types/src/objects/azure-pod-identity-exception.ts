import { objectParser } from '../parsing/custom-object.ts';
import { apiVersion } from '../parsing/group.ts';
import { isGuid } from '../ids/guid.ts';
import { isLabelKey, isLabelValue, keyRule, noValue, type Labels } from './label-selector.ts';
import type { ObjectList, ObjectMeta } from '../parsing/meta.ts';
import { readMetadata } from '../parsing/object-meta.ts';
import { quote } from '../parsing/quote.ts';
import type { Parser } from '../parsing/custom-object.ts';
import { defined, type Section } from '../parsing/section.ts';

/** Lets pods of its namespace that have one of these labels use the node's own metadata service. */
export interface AzurePodIdentityException {
  /** Group and version. The parser sets it even if the object lacks it, as items of some lists do. */
  readonly apiVersion: typeof apiVersion;
  /** The parser sets it even if the object lacks it. */
  readonly kind: 'AzurePodIdentityException';
  /** Its namespace is that of the pods that the exception is for. */
  readonly metadata: ObjectMeta;
  /** From the object's author. */
  readonly spec: {
    /** A pod with any one of these labels, key and value, is excepted. Empty: no pod is. */
    readonly podLabels: Readonly<Record<string, string>>;
    /** The client ids that such a pod may request. Default: all of the node's, including its system-assigned identity. */
    readonly clientIDs?: readonly string[];
  };
}

/** A list of them, as the API server returns it. */
export type AzurePodIdentityExceptionList = ObjectList<AzurePodIdentityException>;

/**
 * Parses an AzurePodIdentityException from untrusted JSON, with keys of 2018 in any case. `clientIDs` came later and has one spelling;
 * another is refused, as is a misspelt key (`clientID`). The keys of labels are kept as they are.
 *
 * @example
 * ```ts
 * const parsed = parseAzurePodIdentityException(object);
 * if (parsed.ok) console.log(Object.keys(parsed.value.spec.podLabels));
 * ```
 */
export const parseAzurePodIdentityException: Parser<AzurePodIdentityException> = /* @__PURE__ */ objectParser(
  'AzurePodIdentityException',
  (section) => {
    const spec = section.section('spec');
    const podLabels = spec.stringMap('podLabels') ?? {};
    warnOfLabels(podLabels, spec);
    const clientIDs = spec.strings('clientIDs');
    if (clientIDs?.length === 0)
      spec.warn(
        'clientIDs',
        'is empty: pods of this exception get no token; leave it out to allow every identity of the node',
      );
    const bad = clientIDs?.find((id) => !isGuid(id));
    if (bad !== undefined)
      spec.warn(
        'clientIDs',
        `has ${quote(bad)}, which is no GUID: write the client id (application id) of an identity`,
      );
    return {
      apiVersion,
      kind: 'AzurePodIdentityException',
      metadata: readMetadata(section),
      spec: defined({ podLabels, clientIDs }),
    };
  },
);

function warnOfLabels(podLabels: Labels, spec: Section): void {
  const labels = Object.entries(podLabels);
  if (labels.length === 0) spec.warn('podLabels', 'is empty: this exception is for no pod');
  for (const [key, value] of labels) {
    if (!isLabelKey(key))
      spec.warn('podLabels', `has the key ${quote(key)}, which no label can have: ${keyRule}`);
    else if (!isLabelValue(value)) spec.warn('podLabels', `has ${quote(key)}: ${noValue(value)}`);
  }
}
