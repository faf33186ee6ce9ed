// The manifest by which krew, a package manager for plug-ins of kubectl, installs ours: https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/
import { stringify } from 'yaml';

export interface KrewRelease {
  readonly version: string;
  /** A file of the release. */
  readonly archive: string;
  readonly sha256: string;
}

const repository = 'https://github.com/pod-identity/pod-identity';

/** krew reads archives of npm, whose folder is `package`, as they are. */
export function krewManifest({ version, archive, sha256 }: KrewRelease): string {
  const tag = encodeURIComponent(`@pod-identity/kubectl@${version}`);
  const platform = (os: string) => ({
    selector: { matchLabels: { os } },
    uri: `${repository}/releases/download/${tag}/${archive}`,
    sha256,
    bin: './package/dist/main.js',
  });
  return stringify({
    apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
    kind: 'Plugin',
    metadata: { name: 'azure-pod-identity' },
    spec: {
      version: `v${version}`,
      homepage: `${repository}/tree/main/packages/kubectl#readme`,
      shortDescription: 'Explain and check Azure identities of pods',
      description:
        'What waits and why, who may use which Azure identity, and what is misconfigured, for Pod Identity and AAD Pod Identity.',
      caveats: 'Needs Node.js 22.21 or later as `node`.',
      platforms: ['linux', 'darwin'].map(platform),
    },
  });
}
