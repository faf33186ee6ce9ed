// The redirect room: leading pods' calls to the metadata service here. rules.ts says what is wanted, installer.ts makes it so.
// It must not build a shell string, and only installer.ts may start a process.

export interface RedirectTarget {
  /** What pods call. */
  readonly metadata: { readonly host: string; readonly port: number };
  /** Where they are led. */
  readonly listen: { readonly host: string; readonly port: number };
}

export const chain = 'aad-metadata';

/** The rules of the chain, as `iptables -t nat -S aad-metadata` lists them. The same as the original's. */
export function wantedRules({ metadata, listen }: RedirectTarget): readonly string[] {
  const host = listen.host === '0.0.0.0' ? '127.0.0.1' : listen.host;
  return [
    `-A ${chain} ! -s 127.0.0.1/32 -d ${metadata.host}/32 -p tcp -m tcp --dport ${metadata.port} -j DNAT --to-destination ${host}:${listen.port}`,
    `-A ${chain} -j RETURN`,
  ];
}

export interface Listing {
  /** Lines of `-S aad-metadata`; empty when there is no such chain. */
  readonly chain: readonly string[];
  /** Lines of `-S PREROUTING`. */
  readonly prerouting: readonly string[];
}

const jump = `-A PREROUTING -j ${chain}`;

/**
 * What `iptables-restore --noflush` must read to turn the listing into what is wanted, in one step; undefined when all is as
 * wanted. There is never a moment without a rule in which a call would reach the machine's own identities.
 */
export function restoreInput(listing: Listing, target: RedirectTarget): string | undefined {
  const wanted = wantedRules(target);
  const rules = listing.chain.filter((line) => line.startsWith('-A '));
  const isChainRight = rules.length === wanted.length && wanted.every((rule, index) => rules[index] === rule);
  const jumps = listing.prerouting.filter((line) => line.startsWith('-A '));
  const isFirst = jumps[0] === jump && jumps.lastIndexOf(jump) === 0;
  if (isChainRight && isFirst) return undefined;
  const strays = jumps.filter((line) => line === jump).map(() => `-D PREROUTING -j ${chain}`);
  const placed = isFirst ? [] : [...strays, `-I PREROUTING 1 -j ${chain}`];
  // Naming the chain empties it, in the same step that fills it again.
  return ['*nat', `:${chain} - [0:0]`, ...wanted, ...placed, 'COMMIT', ''].join('\n');
}
