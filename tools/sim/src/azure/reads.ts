import type { Journal, JournalEntry } from '../http/journal.ts';
import type { HttpRequest } from '../http/server.ts';

/** A successful read of a secret, without its value. */
export interface SecretRead {
  readonly vault: string;
  readonly secret: string;
  readonly principalId: string;
}

/** Remembers what a request read until it ends, for the journal. */
export interface ReadNotes {
  readonly note: (request: HttpRequest, read: SecretRead) => void;
  readonly journalBody: (request: HttpRequest) => string | undefined;
}

export function createReadNotes(): ReadNotes {
  const notes = new WeakMap<HttpRequest, SecretRead>();
  return {
    note(request, read) {
      notes.set(request, read);
    },
    journalBody(request) {
      const read = notes.get(request);
      return read && JSON.stringify(read);
    },
  };
}

export type JournaledRead = SecretRead & { readonly entry: JournalEntry };

/** All successful reads, in order. */
export function readsIn(journal: Journal): readonly JournaledRead[] {
  return journal.entries({ service: 'vault', status: 200 }).flatMap((entry) => {
    const read = parseRead(entry.body ?? '{}');
    return read === undefined ? [] : [{ ...read, entry }];
  });
}

function parseRead(text: string): SecretRead | undefined {
  const { vault, secret, principalId } = JSON.parse(text) as Partial<Record<keyof SecretRead, string>>;
  if (vault === undefined || secret === undefined || principalId === undefined) return undefined;
  return { vault, secret, principalId };
}
