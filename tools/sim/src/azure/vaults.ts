export interface SecretVersion {
  /** 32 hexadecimal digits. */
  readonly version: string;
  readonly value: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

export interface Vault {
  readonly name: string;
  readonly tenantId: string;
  /** Oldest version first. */
  readonly secrets: ReadonlyMap<string, readonly SecretVersion[]>;
  readonly readers: ReadonlySet<string>;
}

export interface VaultSpec {
  readonly name: string;
  readonly tenantId?: string;
  readonly secrets?: Readonly<Record<string, string>>;
  /** Principal ids. */
  readonly readers?: readonly string[];
}

export interface Vaults {
  addVault(spec: VaultSpec): void;
  vault(name: string): Vault | undefined;
  vaults(): readonly Vault[];
  /** A new version. */
  setSecret(vault: string, name: string, value: string): SecretVersion;
  allowRead(vault: string, principalId: string): void;
  denyRead(vault: string, principalId: string): void;
}

interface VaultPorts {
  readonly tenantId: string;
  readonly now: () => number;
  readonly newId: () => string;
  readonly changed: () => void;
}

interface MutableVault {
  readonly name: string;
  readonly tenantId: string;
  readonly secrets: Map<string, SecretVersion[]>;
  readonly readers: Set<string>;
}

export function createVaults(ports: VaultPorts): Vaults {
  const vaults = new Map<string, MutableVault>();
  const existing = (name: string): MutableVault => {
    const vault = vaults.get(name);
    if (vault === undefined) throw new TypeError(`the world has no vault ${name}`);
    return vault;
  };
  const registry: Vaults = {
    addVault({ name, tenantId = ports.tenantId, secrets = {}, readers = [] }) {
      if (vaults.has(name)) throw new TypeError(`the world already has the vault ${name}`);
      vaults.set(name, { name, tenantId, secrets: new Map(), readers: new Set(readers) });
      for (const [secret, value] of Object.entries(secrets)) registry.setSecret(name, secret, value);
      ports.changed();
    },
    vault: (name) => vaults.get(name),
    vaults: () => [...vaults.values()],
    setSecret(vault, name, value) {
      const version = { version: ports.newId().replaceAll('-', ''), value, createdAt: ports.now() };
      const { secrets } = existing(vault);
      secrets.set(name.toLowerCase(), [...(secrets.get(name.toLowerCase()) ?? []), version]);
      ports.changed();
      return version;
    },
    allowRead(vault, principalId) {
      existing(vault).readers.add(principalId);
      ports.changed();
    },
    denyRead(vault, principalId) {
      existing(vault).readers.delete(principalId);
      ports.changed();
    },
  };
  return registry;
}
