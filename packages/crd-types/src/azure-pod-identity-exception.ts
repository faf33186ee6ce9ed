import { objectParser } from './custom-object.ts';
import { apiVersion } from './group.ts';
import type { ListMeta, ObjectMeta } from './meta.ts';
import { readMetadata } from './object-meta.ts';
import type { Parser } from './standard-schema.ts';
import { defined } from './section.ts';

/** Lets pods of its namespace that have one of these labels use the node's own metadata service. */
export interface AzurePodIdentityException {
  readonly apiVersion: typeof apiVersion;
  readonly kind: 'AzurePodIdentityException';
  readonly metadata: ObjectMeta;
  readonly spec: {
    readonly podLabels: Readonly<Record<string, string>>;
    /** The client ids that such a pod may request. Default: all of the node's, including its system-assigned identity. */
    readonly clientIDs?: readonly string[];
  };
}

/** A list of them, as the API server returns it. */
export interface AzurePodIdentityExceptionList {
  readonly apiVersion: typeof apiVersion;
  readonly kind: 'AzurePodIdentityExceptionList';
  readonly metadata: ListMeta;
  readonly items: AzurePodIdentityException[];
}

/**
 * Parses an AzurePodIdentityException from untrusted JSON, with keys in any case, except that label keys are kept as they are.
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
    if (Object.keys(podLabels).length === 0) spec.warn('podLabels', 'is empty: this exception is for no pod');
    const clientIDs = spec.strings('clientIDs');
    if (clientIDs?.length === 0)
      spec.warn(
        'clientIDs',
        'is empty: pods of this exception get no token; leave it out to allow every identity of the node',
      );
    return {
      apiVersion,
      kind: 'AzurePodIdentityException',
      metadata: readMetadata(section),
      spec: defined({ podLabels, clientIDs }),
    };
  },
);
