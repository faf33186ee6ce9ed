// Room: container images of the services: recipes.ts says what is in each, build.ts makes it.
// It must not need root, a daemon or a registry of images, and must not write a host's name.

export type ImageName = 'mic' | 'nmi' | 'keyvault-sample';
export type Architecture = 'amd64' | 'arm64';

/** What is taken from Debian's packages; the libraries that these files need come with them. */
export interface Parts {
  /** The packages in which files and libraries are found: those of Debian 13. */
  readonly packages: readonly string[];
  /** Files, or folders that end with a slash. */
  readonly files: readonly string[];
  readonly links: Readonly<Record<string, string>>;
}

export interface Recipe {
  readonly description: string;
  readonly user: string;
  readonly programs?: Parts;
}

export const imageNames: readonly ImageName[] = ['mic', 'nmi', 'keyvault-sample'];

/** A uid that no user of a host has; the images of distroless use it as well. */
const nonroot = '65532:65532';

/** The C and C++ libraries of Node. gcc-14-base has their licence. */
export const nodeLibraries = ['libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1', 'gcc-14-base'];

const nmiPrograms: Parts = {
  packages: [
    ...['nftables', 'libnftables1', 'libnftnl11', 'libmnl0', 'libjansson4', 'libgmp10', 'libedit2'],
    ...['libbsd0', 'libmd0', 'libtinfo6'],
    ...['libxtables12', 'libnetfilter-conntrack3', 'libnfnetlink0'],
    ...['iproute2', 'libbpf1', 'libelf1t64', 'libcap2', 'libselinux1', 'libpcre2-8-0', 'zlib1g', 'libzstd1'],
    'conntrack',
    // For certificates of applications, also those with old ciphers.
    ...['openssl', 'libssl3t64', 'openssl-provider-legacy'],
    // For the exec probes.
    'coreutils',
  ],
  files: [
    'usr/sbin/nft',
    'usr/bin/ip',
    'usr/sbin/conntrack',
    'usr/bin/test',
    'usr/bin/openssl',
    'usr/lib/TRIPLET/ossl-modules/legacy.so',
  ],
  links: {},
};

export const recipes: Readonly<Record<ImageName, Recipe>> = {
  mic: {
    description: 'Managed Identity Controller: assigns Azure identities to nodes for the pods that run there',
    user: nonroot,
    // For the exec probes.
    programs: { packages: ['coreutils'], files: ['usr/bin/test'], links: {} },
  },
  nmi: {
    description: 'Node Managed Identity: gives pods of its node tokens of their Azure identities',
    // For the packet filter.
    user: '0:0',
    programs: nmiPrograms,
  },
  'keyvault-sample': {
    description:
      'An example application: reads secrets, keys and certificates of Azure Key Vault with the identity of its pod',
    user: nonroot,
  },
};

export const architectures: readonly Architecture[] = ['amd64', 'arm64'];

export const triplets: Readonly<Record<Architecture, string>> = {
  amd64: 'x86_64-linux-gnu',
  arm64: 'aarch64-linux-gnu',
};
