export interface Firewall {
  /** nftables, iptables-nft, iptables-legacy or iptables. */
  readonly name: string;
  /** Why it cannot be used; undefined if it can. */
  whyUnusable(): Promise<string | undefined>;
  /** Whether all rules exist, in the right places. */
  isRight(): Promise<boolean>;
  /** Writes all rules in one step for each table: at no moment are there fewer than before. */
  install(): Promise<void>;
  /** Whether there are any rules of NMI, right or not. */
  hasRules(): Promise<boolean>;
  /** Removes all rules of NMI; returns whether there were any. */
  remove(): Promise<boolean>;
}
