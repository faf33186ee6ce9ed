import type { Tenant } from '@pod-identity/kit/core';
import type { Holder, Holders } from './holders.ts';
import type { TokenSource } from '../tokens/source.ts';
import type { TokenSubject } from '../tokens/types.ts';

export interface HeldTokensOptions {
  readonly holders: Pick<Holders, 'hold'>;
  /** Called when a pod holds something that it did not hold before. */
  readonly onHeld: (holder: Holder) => void;
}

/** Notes which pod a token is for: before it is requested, so that it is kept when it comes. */
export function heldTokens(tokens: TokenSource, { holders, onHeld }: HeldTokensOptions): TokenSource {
  const hold = (subject: TokenSubject, tenant: Tenant) => {
    const holder = holders.hold(subject, tenant);
    if (holder) onHeld(holder);
  };
  return {
    ...tokens,
    cached(wish, asker) {
      const issued = tokens.cached(wish, asker);
      if (issued) hold(wish.subject, asker().tenant);
      return issued;
    },
    get(wish, asker) {
      hold(wish.subject, asker.tenant);
      return tokens.get(wish, asker);
    },
  };
}
