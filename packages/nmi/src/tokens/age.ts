import type { TokenSubject } from './types.ts';

/** When a token is renewed; in milliseconds since the epoch. */
export interface TokenAge {
  /** From then on its next use requests a new one in the background. */
  readonly refreshAt: number;
  /** From then on it is used only if no new one can be had. */
  readonly freshUntil: number;
}

const longestMarginMs = 5 * 60_000;
const longLifeMs = 2 * 60 * 60_000;
/** Random share by which a token is renewed earlier, so that tokens of one moment are not renewed at one moment. */
const spread = { least: 0.02, most: 0.1 } as const;

/** At half the life of a long-lived token, five minutes before the end of a shorter one; a little earlier by `chance` (0 to 1). */
export function ageOf({ now, expiresOn }: { now: number; expiresOn: number }, chance: number): TokenAge {
  const lifeMs = Math.max(0, expiresOn - now);
  const freshMs = lifeMs - Math.min(longestMarginMs, lifeMs / 2);
  const dueMs = lifeMs > longLifeMs ? lifeMs / 2 : freshMs;
  const early = spread.least + (spread.most - spread.least) * chance;
  return { refreshAt: now + dueMs * (1 - early), freshUntil: now + freshMs };
}

const unnamed = { refreshMs: 5 * 60_000, freshMs: 10 * 60_000 } as const;

/**
 * The age for a subject. A managed identity that was deleted and made again has the same resource id and another client id: without the client
 * id its old tokens look as good as new ones, so they are renewed soon; at once if the clock was set back, which hides how old they are.
 */
export function ageFor(
  subject: TokenSubject,
  { age, storedAt }: { readonly age: TokenAge; readonly storedAt: number },
  now: number,
): TokenAge {
  if (!isUnnamed(subject)) return age;
  if (now < storedAt) return { refreshAt: now, freshUntil: now };
  return {
    refreshAt: Math.min(age.refreshAt, storedAt + unnamed.refreshMs),
    freshUntil: Math.min(age.freshUntil, storedAt + unnamed.freshMs),
  };
}

/** Whether a token of the identity looks like that of another one which was made under its name. */
export function isUnnamed(subject: TokenSubject): boolean {
  if (subject.kind === 'identity') return subject.clientId === '';
  return subject.kind === 'machine' && (subject.by === 'nothing' || subject.by === 'resource-id');
}
