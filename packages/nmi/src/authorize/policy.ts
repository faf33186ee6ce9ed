import type { Candidate } from './types.ts';

/** What keeps a permitted identity from being served, for the person who wrote the AzureIdentity; undefined: nothing. */
export function faultOf({ identity, resourceId }: Candidate): string | undefined {
  switch (identity.spec.type) {
    case 0:
      return resourceId === undefined
        ? 'its spec.resourceID names no user-assigned managed identity'
        : undefined;
    case 1:
      return 'it is a service principal with a client secret (type 1), a type that this version does not serve yet';
    case 2:
      return 'it is a service principal with a certificate (type 2), a type that this version does not serve yet';
  }
}
