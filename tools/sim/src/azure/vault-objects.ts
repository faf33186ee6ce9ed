/** The three kinds of objects of a vault, as in their paths. */
export type Kind = 'secrets' | 'keys' | 'certificates';

/** `selected`: only networks that the tests are not in; `private`: no public access at all. */
export type VaultFirewall = 'open' | 'selected' | 'private';

export interface Lifetime {
  /** True when absent. */
  readonly enabled?: boolean;
  /** Milliseconds since the epoch; an object without it does not expire. */
  readonly expiresAt?: number;
}

export interface Version extends Lifetime {
  /** 32 hexadecimal digits. */
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Belongs to a certificate. */
  readonly managed?: boolean;
}

export interface SecretVersion extends Version {
  readonly value: string;
  readonly contentType?: string;
}

export interface KeyVersion extends Version {
  /** The public half: what the service returns. */
  readonly jwk: { readonly n: string; readonly e: string };
}

export interface CertificateVersion extends Version {
  /** DER, base64. */
  readonly cer: string;
  /** SHA-1 of the DER, base64url. */
  readonly thumbprint: string;
}
