import { frozen } from './frozen.ts';
import {
  behaviorAnnotation,
  defaultIdentityAnnotation,
  nodeLabel,
  podUidAnnotation,
  type Kind,
} from './group.ts';
import type { Problem } from './problem.ts';
import { fieldLike, isLikeSelector, spellings } from './spelling.ts';

/**
 * The fields to read of an untrusted object: a value of at most `upTo` bytes of JSON, or an object of which only these members are
 * read. Schemas limit neither annotations nor unknown fields.
 */
export type FieldLimits =
  | { readonly upTo: number }
  /**
   * `anyCase`: keys are recognised in any case of the letters A to Z, and so in each spelling that the parsers read.
   *
   * `isMisspelt`: further keys to keep, with null in place of their value. The parsers refuse them whatever their value is. A reader that does
   * not look at all keys reports the object to `tooLargeProblems`.
   */
  | {
      readonly members: Readonly<Record<string, FieldLimits>>;
      readonly anyCase?: boolean;
      readonly isMisspelt?: (key: string) => boolean;
    };

const word: FieldLimits = { upTo: 128 };
/** Names of objects have at most 253 characters, values of labels 63. */
const name: FieldLimits = { upTo: 1024 };
const address: FieldLimits = { upTo: 2048 };
const several: FieldLimits = { upTo: 8192 };
const many: FieldLimits = { upTo: 16_384 };

/** Another spelling of the annotation, about which the parsers warn. */
const behaviourAnnotation = 'aadpodidentity.k8s.io/Behaviour';

function anyCase(members: Readonly<Record<string, FieldLimits>>): FieldLimits {
  return { members, anyCase: true };
}

const annotationsOf: Readonly<Record<Kind, readonly string[]>> = {
  AzureIdentity: [behaviorAnnotation, behaviourAnnotation],
  AzureIdentityBinding: [defaultIdentityAnnotation],
  AzureAssignedIdentity: [podUidAnnotation],
  AzurePodIdentityException: [],
};

function metadata(kind: Kind, more: Readonly<Record<string, FieldLimits>> = {}): FieldLimits {
  return {
    members: {
      name,
      namespace: name,
      uid: word,
      resourceVersion: word,
      generation: word,
      creationTimestamp: word,
      deletionTimestamp: word,
      // In any case, so that the parsers can warn of other spellings.
      annotations: anyCase(Object.fromEntries(annotationsOf[kind].map((key) => [key, name]))),
      ...more,
    },
  };
}

/** The spec of a kind, with keys that are probably one of its guarded fields. */
function specOf(kind: Kind, members: Readonly<Record<string, FieldLimits>>): FieldLimits {
  const spelled = spellings[kind].inner.get('spec');
  const isMisspelt = (key: string) =>
    (kind === 'AzureIdentityBinding' && isLikeSelector(key)) ||
    (spelled !== undefined && fieldLike(spelled, key) !== undefined);
  return { members, anyCase: true, isMisspelt };
}

function identityFields(): FieldLimits {
  return specOf('AzureIdentity', {
    type: word,
    resourceID: address,
    clientID: name,
    clientPassword: anyCase({ name, namespace: name }),
    tenantID: name,
    auxiliaryTenantIDs: several,
    adResourceID: address,
    adEndpoint: address,
    // The size that the schema allows.
    allowedNamespaces: { upTo: 20 * 1024 },
    replicas: word,
  });
}

function bindingFields(): FieldLimits {
  return specOf('AzureIdentityBinding', {
    azureIdentity: name,
    selector: name,
    podSelector: many,
    serviceAccountName: name,
    default: word,
    weight: word,
  });
}

function object(kind: Kind, spec: FieldLimits, more?: Readonly<Record<string, FieldLimits>>): FieldLimits {
  const status = anyCase({ conditions: many, status: word, availableReplicas: word });
  return anyCase({ apiVersion: word, kind: word, metadata: metadata(kind, more), spec, status });
}

function fieldsOfKinds(): Readonly<Record<Kind, FieldLimits>> {
  return frozen({
    AzureIdentity: object('AzureIdentity', identityFields(), {
      // The annotation as a label, about which the parser warns.
      labels: anyCase({ [behaviorAnnotation]: name, [behaviourAnnotation]: name }),
    }),
    AzureIdentityBinding: object('AzureIdentityBinding', bindingFields()),
    AzureAssignedIdentity: object(
      'AzureAssignedIdentity',
      anyCase({
        azureIdentityRef: object('AzureIdentity', identityFields()),
        azureBindingRef: object('AzureIdentityBinding', bindingFields()),
        pod: name,
        podNamespace: name,
        nodename: name,
        replicas: word,
      }),
      { finalizers: several, ownerReferences: several, labels: { members: { [nodeLabel]: name } } },
    ),
    AzurePodIdentityException: object(
      'AzurePodIdentityException',
      specOf('AzurePodIdentityException', { podLabels: many, clientIDs: many }),
    ),
  });
}

/**
 * The fields that the programs read of each kind. An object with a larger field is not used. Frozen.
 *
 * @example
 * ```ts
 * fieldLimits.AzureIdentityBinding; // { members: { … spec: { members: { azureIdentity: { upTo: 1024 }, … }, anyCase: true, … }, … }
 * ```
 */
export const fieldLimits: Readonly<Record<Kind, FieldLimits>> = /* @__PURE__ */ fieldsOfKinds();

/**
 * The problems of an object without these fields, which were too large. Fields of its status are no problem, since MIC writes them
 * again. `unknownNames`: of the field, not all unknown keys were looked at for which `isMisspelt` might have held.
 *
 * @example
 * ```ts
 * tooLargeProblems([{ path: 'spec.clientID', upTo: 1024 }]);
 * // [ { path: 'spec.clientID', message: 'has more than 1024 bytes: shorten it' } ]
 * ```
 */
export function tooLargeProblems(
  fields: readonly { readonly path: string; readonly upTo: number; readonly unknownNames?: boolean }[],
): readonly Problem[] {
  return fields
    .filter(({ path }) => !/^status(?:\.|$)/i.test(path))
    .map(({ path, upTo, unknownNames = false }) => ({
      path,
      message: `has more than ${upTo} ${unknownNames ? crowded : 'bytes: shorten it'}`,
    }));
}

const crowded =
  'unknown keys, and one that was not looked at may be a misspelt field: remove the keys that are no fields';
