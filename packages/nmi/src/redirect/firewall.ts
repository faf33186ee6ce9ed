/** The ability to keep our rules in one of the kernel's firewalls. */
export interface Firewall {
  /** For people: nftables, iptables-nft, iptables-legacy. */
  readonly name: string;
  /** Why it cannot be used here; undefined when it can. */
  whyUnusable(): Promise<string | undefined>;
  /** Whether all our rules are there, as they must be and where they must be. */
  isRight(): Promise<boolean>;
  /** Puts all rules in place, whatever was there. At no moment is there less than before. */
  install(): Promise<void>;
  /** Whether there is anything of ours, right or not. */
  hasRules(): Promise<boolean>;
  /** Takes everything of ours away; returns whether there was anything. */
  remove(): Promise<boolean>;
}
