// Builders of the cases of crd-corpus.ts.
import type { Kind } from '@pod-identity/crd-types';

interface Verdicts {
  readonly parser: boolean;
  readonly server: boolean;
}

export interface Case {
  readonly title: string;
  readonly kind: Kind;
  readonly object: Readonly<Record<string, unknown>>;
  readonly taken: Verdicts;
  /** Why the verdicts differ, where they do. */
  readonly because?: string;
}

const apiVersion = 'aadpodidentity.k8s.io/v1';
export const resourceID =
  '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader';
export const guid = '00000000-0000-0000-0000-000000000001';
export const secret = { name: 'secret', namespace: 'default' };

function all(taken: boolean): Verdicts {
  return { parser: taken, server: taken };
}

export function of([kind, title]: readonly [Kind, string], spec: unknown, taken: boolean): Case {
  const object = { apiVersion, kind, metadata: { name: 'tried', namespace: 'default' }, spec };
  return { title: `${kind}: ${title}`, kind, object, taken: all(taken) };
}

export const identity = (title: string, spec: object, taken: boolean) =>
  of(['AzureIdentity', title], { type: 0, resourceID, ...spec }, taken);
export const binding = (title: string, spec: object, taken: boolean) =>
  of(['AzureIdentityBinding', title], { azureIdentity: 'reader', selector: 'demo', ...spec }, taken);
export const exception = (title: string, spec: object, taken: boolean) =>
  of(['AzurePodIdentityException', title], { podLabels: { app: 'web' }, ...spec }, taken);
export const assigned = (title: string, spec: object, taken: boolean) =>
  of(['AzureAssignedIdentity', title], { pod: 'p', podNamespace: 'n', nodename: 'x', ...spec }, taken);
export const many = (count: number) => Array.from({ length: count }, (_, at) => `n${at}`);
export const only = (one: Case, taken: Partial<Verdicts>, because: string): Case => ({
  ...one,
  taken: { ...one.taken, ...taken },
  because,
});
export const meta = (one: Case, metadata: unknown, taken: boolean): Case => ({
  ...one,
  object: { ...one.object, metadata },
  taken: all(taken),
});

export const bare = ({ object: { metadata, spec }, ...one }: Case): Case => ({
  ...one,
  object: { metadata, spec },
});
