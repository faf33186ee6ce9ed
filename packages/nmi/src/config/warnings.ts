import type { FlagReading } from '@pod-identity/kit/core';
import type { NmiFlagValues } from './flags.ts';

/** Warnings about flags and variables without effect, and about settings that cause failures of clients. */
export function warningsOf({ values, ignored }: FlagReading<NmiFlagValues>): string[] {
  return [
    ...ignored.map(({ flag, why }) => `--${flag}: no effect any more, ${why}`),
    ...(values.interception === 'none' ? [notIntercepted] : []),
  ];
}

const notIntercepted =
  '--interception=none: nothing leads calls of pods here. Programs that ignore AZURE_POD_IDENTITY_AUTHORITY_HOST (azidentity, adal, ' +
  'msrestazure, ms-rest-azure, ms-rest-nodeauth, google-auth-library and others) ask the metadata service of the machine itself, which gives ' +
  'them tokens of any of its identities: keep pods from it by other means, and see what nmi check-ready says in a pod (docs/administrator/operations.md)';
