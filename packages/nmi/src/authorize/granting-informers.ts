// The informers of the objects that give rights: what is kept of each, and how much of a namespace.
import {
  parseAzureIdentity,
  parseAzureIdentityBinding,
  resources,
  type AzureIdentity,
  type AzureIdentityBinding,
  type Kind,
} from '@pod-identity/crd-types';
import {
  createInformer,
  type Informer,
  type InformerOptions,
  type KubeAmbient,
} from '@pod-identity/kit/kube';
import { selectorIndexes } from './bindings-of-selector.ts';
import { readException } from './read-exception.ts';
import { faultIn, readWhole } from './read-whole.ts';
import type { FoundException } from './types.ts';

export interface GrantingOptions {
  readonly common: KubeAmbient & Pick<InformerOptions<unknown>, 'pageSize' | 'isPerNode' | 'onlyWanted'>;
  /** See `--namespace-share`; default: no limit. */
  readonly namespaceShareBytes?: number;
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
  const { common, namespaceShareBytes } = options;
  const of = (kind: Kind) => ({
    ...common,
    namespaceBytes: namespaceShareBytes,
    kind: resources[kind],
  });
  return {
    identities: createInformer<FoundIdentity>({
      ...of('AzureIdentity'),
      trim: readIdentity,
      indexes: {
        reaching: (found) =>
          'value' in found && found.value.spec.allowedNamespaces !== undefined ? [found.namespace] : [],
      },
    }),
    bindings: createInformer<AzureIdentityBinding>({
      ...of('AzureIdentityBinding'),
      trim: (object) => {
        const read = readWhole(object, parseAzureIdentityBinding);
        return read && 'value' in read ? read.value : undefined;
      },
      indexes: selectorIndexes,
    }),
    exceptions: createInformer<FoundException>({
      ...of('AzurePodIdentityException'),
      trim: readException,
      indexes: {
        valid: (found) => ('value' in found ? [found.namespace] : []),
        invalid: (found) => ('fault' in found ? [found.namespace] : []),
      },
    }),
  };
}

function readIdentity(object: unknown): FoundIdentity | undefined {
  const read = readWhole(object, parseAzureIdentity);
  if (!read || 'value' in read) return read;
  const { problems, ...named } = read;
  return { ...named, fault: faultIn(problems) };
}
