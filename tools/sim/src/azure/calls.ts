import type { Journal } from '../http/journal.ts';

export interface AzureCalls {
  readonly arm: { readonly get: number; readonly patch: number; readonly poll: number };
  readonly imds: number;
  readonly entra: number;
  readonly vault: number;
}

const poll = /\/operations\/[^/]+$/i;

export function countCalls(journal: Journal): AzureCalls {
  const polls = journal.count({ service: 'arm', method: 'GET', path: poll });
  return {
    arm: {
      get: journal.count({ service: 'arm', method: 'GET' }) - polls,
      patch: journal.count({ service: 'arm', method: 'PATCH' }),
      poll: polls,
    },
    imds: journal.count({ service: 'imds' }),
    entra: journal.count({ service: 'entra' }),
    vault: journal.count({ service: 'vault' }),
  };
}
