import { parseAs } from '../parsing/custom-object.ts';
import { apiVersion } from '../parsing/group.ts';
import { isGuid } from '../ids/guid.ts';
import { isLabelKey, isLabelValue, keyRule, noValue, type Labels } from './label-selector.ts';
import type { ObjectMeta } from '../parsing/meta.ts';
import { readMetadata } from '../parsing/object-meta.ts';
import { quote } from '../parsing/quote.ts';
import { defined, sectionAt, textMapAt, textsAt, warn, type Section } from '../parsing/section.ts';
import type { Parsed } from '../parsing/problem.ts';

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

/**
 * Parses an AzurePodIdentityException from untrusted JSON, also with keys of 2018. A key that is probably `clientIDs`, in another case or misspelt
 * (`clientID`), is refused. The keys of labels are kept as they are.
 */
export function parseAzurePodIdentityException(object: unknown): Parsed<AzurePodIdentityException> {
  return parseAs('AzurePodIdentityException', object, (section) => {
    const spec = sectionAt(section, 'spec');
    const podLabels = textMapAt(spec, 'podLabels') ?? {};
    warnOfLabels(podLabels, spec);
    const clientIDs = textsAt(spec, 'clientIDs');
    if (clientIDs?.length === 0)
      warn(
        spec,
        'clientIDs',
        'is empty: pods of this exception get no token; leave it out to allow every identity of the node',
      );
    const bad = clientIDs?.find((id) => !isGuid(id));
    if (bad !== undefined)
      warn(
        spec,
        'clientIDs',
        `has ${quote(bad)}, which is no GUID: write the client id (application id) of an identity`,
      );
    return {
      apiVersion,
      kind: 'AzurePodIdentityException',
      metadata: readMetadata(section),
      spec: defined({ podLabels, clientIDs }),
    };
  });
}

function warnOfLabels(podLabels: Labels, spec: Section): void {
  const labels = Object.entries(podLabels);
  if (labels.length === 0) warn(spec, 'podLabels', 'is empty: this exception is for no pod');
  for (const [key, value] of labels) {
    if (!isLabelKey(key))
      warn(spec, 'podLabels', `has the key ${quote(key)}, which no label can have: ${keyRule}`);
    else if (!isLabelValue(value)) warn(spec, 'podLabels', `has ${quote(key)}: ${noValue(value)}`);
  }
}
