export type Kind = 'secret' | 'key' | 'certificate';

/** What is read. */
export interface Item {
  readonly kind: Kind;
  readonly name: string;
}

/** What is kept and shown of an object of the vault: never the value of a secret. */
export interface VaultObject {
  readonly version: string;
  readonly enabled: boolean;
  readonly expiresOn: Date | undefined;
}
