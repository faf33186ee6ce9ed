export type Kind = 'secret' | 'key' | 'certificate';

/** What is read. */
export interface Item {
  readonly kind: Kind;
  readonly name: string;
}

/** In place of a name: all objects of the kind. */
export const allNames = '*';

/** For sentences. */
export const subjectOf = ({ kind, name }: Item): string =>
  name === allNames ? `list of ${kind}s` : `${kind} ${name}`;

/** The names of the objects of a kind. */
export interface Listed {
  readonly names: readonly string[];
  /** Whether the vault has no others. */
  readonly isWhole: boolean;
}

/** What is kept and shown of an object of the vault: never the value of a secret. */
export interface VaultObject {
  readonly version: string;
  readonly enabled: boolean;
  /** May be an invalid date: a vault can send a time that no Date can have. */
  readonly expiresOn: Date | undefined;
}

/** Otherwise `toISOString` throws. */
export const hasTime = (date: Date): boolean => !Number.isNaN(date.getTime());
