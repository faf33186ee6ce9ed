// The informers of the objects that give rights: what is kept of each, and how much of a namespace.
import {
  fieldLimits,
  parseAzureIdentity,
  parseAzureIdentityBinding,
  resources,
  problemTexts,
  type AzureIdentity,
  type AzureIdentityBinding,
  type Kind,
  type Parsed,
} from '@pod-identity/crd-types';
import {
  createInformer,
  type Informer,
  type InformerOptions,
  type KubeAmbient,
} from '@pod-identity/kit/kube';
import { selectorIndexes } from './bindings-of-selector.ts';
import { readException } from './read-exception.ts';
import { nameOf, readWhole } from './read-whole.ts';
import type { FoundException } from './types.ts';

export interface GrantingOptions {
  readonly common: KubeAmbient & Pick<InformerOptions<unknown>, 'pageSize' | 'isPerNode' | 'onlyWanted'>;
  /** Limit for the objects of one kind in one namespace; default: none. */
  readonly namespaceShareBytes?: number;
  /** Called for each binding and exception that is not valid, and so is for no pod. */
  readonly onInvalid?: (invalid: InvalidObject) => void;
}

export interface InvalidObject {
  readonly kind: 'AzureIdentityBinding' | 'AzurePodIdentityException';
  readonly namespace: string;
  readonly name: string;
  /** What is wrong with it. */
  readonly fault: string;
}

/** An AzureIdentity, or what is wrong with it. */
export type FoundIdentity =
  | { readonly namespace: string; readonly name: string; readonly value: AzureIdentity }
  | { readonly namespace: string; readonly name: string; readonly fault: string };

export interface GrantingInformers {
  readonly identities: Informer<FoundIdentity>;
  readonly bindings: Informer<AzureIdentityBinding>;
  readonly exceptions: Informer<FoundException>;
}

export function createGrantingInformers(options: GrantingOptions): GrantingInformers {
  const of = (kind: GrantingKind) => ({
    ...options.common,
    ...shareOf(kind, options),
    kind: resources[kind],
    fields: fieldLimits[kind],
  });
  return {
    identities: createInformer<FoundIdentity>({ ...of('AzureIdentity'), ...identityOptions }),
    bindings: createInformer<AzureIdentityBinding>({
      ...of('AzureIdentityBinding'),
      trim: wholeOf('AzureIdentityBinding', parseAzureIdentityBinding, options),
      indexes: selectorIndexes,
    }),
    exceptions: createInformer<FoundException>({
      ...of('AzurePodIdentityException'),
      ...exceptionOptions(options),
    }),
  };
}

const identityOptions: Pick<InformerOptions<FoundIdentity>, 'trim' | 'indexes'> = {
  trim: readIdentity,
  indexes: {
    reaching: (found) =>
      'value' in found && found.value.spec.allowedNamespaces !== undefined ? [found.namespace] : [],
  },
};

function exceptionOptions({
  onInvalid,
}: Pick<GrantingOptions, 'onInvalid'>): Pick<InformerOptions<FoundException>, 'trim' | 'indexes'> {
  return {
    trim: (object) => {
      const found = readException(object);
      if (found && 'fault' in found) onInvalid?.({ kind: 'AzurePodIdentityException', ...found });
      return found;
    },
    indexes: {
      valid: (found) => ('value' in found ? [found.namespace] : []),
      invalid: (found) => ('fault' in found ? [found.namespace] : []),
    },
  };
}

/**
 * Heap for all namespaces together, in MiB: 16 of the 64 in the manifest. After an outage of the watches it may be needed twice, if all
 * objects have changed meanwhile.
 */
const totalMiB = {
  AzureIdentity: 7,
  AzureIdentityBinding: 7,
  AzurePodIdentityException: 2,
} as const satisfies Partial<Record<Kind, number>>;
type GrantingKind = keyof typeof totalMiB;

function shareOf(
  kind: GrantingKind,
  { namespaceShareBytes }: Pick<GrantingOptions, 'namespaceShareBytes'>,
): Pick<InformerOptions<unknown>, 'share'> {
  return namespaceShareBytes === undefined
    ? {}
    : {
        share: {
          namespaceBytes: namespaceShareBytes,
          totalBytes: Math.max(namespaceShareBytes, totalMiB[kind] * 1024 * 1024),
        },
      };
}

/** Trims to the object, if it is valid and was read completely. */
function wholeOf<T extends AzureIdentityBinding>(
  kind: InvalidObject['kind'],
  parse: (object: unknown) => Parsed<T>,
  { onInvalid }: Pick<GrantingOptions, 'onInvalid'>,
): (object: unknown) => T | undefined {
  return (object) => {
    const read = readWhole(object, parse);
    if ('value' in read) return read.value;
    const named = nameOf(object);
    if (onInvalid && named) onInvalid({ kind, ...named, fault: problemTexts(read.problems).join('; ') });
    return undefined;
  };
}

function readIdentity(object: unknown): FoundIdentity | undefined {
  const named = nameOf(object);
  if (!named) return undefined;
  const read = readWhole(object, parseAzureIdentity);
  return 'value' in read
    ? { ...named, ...read }
    : { ...named, fault: problemTexts(read.problems).join('; ') };
}
