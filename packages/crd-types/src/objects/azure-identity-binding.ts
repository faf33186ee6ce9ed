import { parseAs } from '../parsing/custom-object.ts';
import { apiVersion, defaultIdentityAnnotation } from '../parsing/group.ts';
import {
  isEmptySelector,
  isLabelValue,
  noValue,
  objectNamePattern,
  readLabelSelector,
  type LabelSelector,
} from './label-selector.ts';
import type { Condition, ObjectMeta } from '../parsing/meta.ts';
import { readConditions, readMetadata } from '../parsing/object-meta.ts';
import {
  addProblem,
  booleanAt,
  defined,
  isGiven,
  sectionAt,
  textAt,
  warn,
  type Section,
} from '../parsing/section.ts';
import type { Parsed } from '../parsing/problem.ts';
import { isLikeSelector } from '../parsing/spelling.ts';

/**
 * Gives an AzureIdentity of the binding's own namespace to pods that match all set fields of `selector`, `podSelector` and
 * `serviceAccountName`.
 */
export interface AzureIdentityBinding {
  /** Group and version. The parser sets it even if the object lacks it, as items of some lists do. */
  readonly apiVersion: typeof apiVersion;
  /** The parser sets it even if the object lacks it. */
  readonly kind: 'AzureIdentityBinding';
  /** Its namespace is that of the AzureIdentity too. An annotation can make the identity the default (`defaultIdentityAnnotation`). */
  readonly metadata: ObjectMeta;
  /** From the object's author. */
  readonly spec: {
    /** Name of the AzureIdentity, in the namespace of the binding. */
    readonly azureIdentity: string;
    /** Compared for equality with the pod's `aadpodidbinding` label; not a label-selector expression. Empty: not required. */
    readonly selector: string;
    /** Selects pods of the binding's own namespace by labels. Never empty. */
    readonly podSelector?: LabelSelector;
    /** Selects pods of the binding's own namespace by ServiceAccount. */
    readonly serviceAccountName?: string;
    /** Whether the identity is the default for requests that name none, if the pod has several. */
    readonly default?: boolean;
  };
  /** From MIC, which writes the condition `Ready`. Absent until MIC has judged the object; in managed mode no MIC runs. */
  readonly status?: { readonly conditions?: readonly Condition[] };
}

/**
 * Parses an AzureIdentityBinding from untrusted JSON, also with keys of 2018. A key that is probably `podSelector`, `serviceAccountName` or `default`,
 * in another case or misspelt, is refused.
 */
export function parseAzureIdentityBinding(object: unknown): Parsed<AzureIdentityBinding> {
  return parseAs('AzureIdentityBinding', object, (section) => {
    const binding = readAzureIdentityBinding(section);
    const spec = sectionAt(section, 'spec');
    if (binding.spec.azureIdentity === '')
      addProblem(spec, 'azureIdentity', 'is missing: name an AzureIdentity of this namespace');
    judgeConditions(binding.spec, spec);
    if (!isLabelValue(binding.spec.selector))
      warn(spec, 'selector', `is ${noValue(binding.spec.selector, ', so that this binding selects no pod')}`);
    return binding;
  });
}

/** Reads the fields without validating their meaning; also used for the copy in an AzureAssignedIdentity. */
export function readAzureIdentityBinding(section: Section): AzureIdentityBinding {
  const spec = sectionAt(section, 'spec');
  return defined({
    apiVersion,
    kind: 'AzureIdentityBinding',
    metadata: readMetadata(section),
    spec: readSpec(spec),
    status: readConditions(section),
  });
}

/** Whether the identity of the binding is the default for requests that name none, if the pod has several. */
export function isDefaultBinding({ metadata, spec }: AzureIdentityBinding): boolean {
  return spec.default ?? metadata.annotations?.[defaultIdentityAnnotation] === 'true';
}

function readSpec(spec: Section): AzureIdentityBinding['spec'] {
  const podSelector = readLabelSelector(spec, 'podSelector');
  return defined({
    azureIdentity: textAt(spec, 'azureIdentity') ?? '',
    selector: textAt(spec, 'selector') ?? '',
    podSelector: podSelector && isEmptySelector(podSelector) ? undefined : podSelector,
    serviceAccountName: textAt(spec, 'serviceAccountName'),
    default: booleanAt(spec, 'default'),
  });
}

const objectName = /* @__PURE__ */ new RegExp(objectNamePattern);
const longestObjectName = 253;

function judgeConditions(binding: AzureIdentityBinding['spec'], spec: Section): void {
  const { selector, podSelector, serviceAccountName = '' } = binding;
  if (serviceAccountName.length > longestObjectName || !objectName.test(serviceAccountName))
    addProblem(spec, 'serviceAccountName', 'must be the name of a ServiceAccount');
  if (isGiven(spec, 'podSelector') && podSelector === undefined)
    warn(spec, 'podSelector', 'is empty: it selects nothing, and leaves out nothing');
  if (selector !== '') return;
  // A further condition that would not count. Only with fields that the original does not have: its objects may have any other key.
  if (podSelector !== undefined || serviceAccountName !== '') {
    for (const key of Object.keys(spec.object).filter(isLikeSelector))
      addProblem(spec, key, 'is not a field: if selector is meant, write it, otherwise remove this key');
  } else
    addProblem(
      spec,
      'selector',
      'is missing: give the value of the pods’ aadpodidbinding label, or podSelector or serviceAccountName',
    );
}
