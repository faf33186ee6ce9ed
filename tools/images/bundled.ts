// The npm packages of which something is in a bundle: what the bundler wrote down, looked up in package-lock.json.

/** As esbuild writes it. */
export interface Metafile {
  readonly outputs: Readonly<
    Record<string, { readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>> }>
  >;
}

export interface LockFile {
  readonly packages: Readonly<
    Record<
      string,
      {
        readonly version?: string;
        readonly integrity?: string;
        readonly license?: string;
        readonly name?: string;
      }
    >
  >;
}

export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression, as the package states it. */
  readonly license: string;
  /** Of the file that the registry has. */
  readonly integrity: string;
  /** Where it is installed, from the root of the repository. */
  readonly folder: string;
}

/** `from` is the folder of the package that was bundled, from the root of the repository: paths are relative to it. */
export function bundledPackages(metafile: Metafile, lock: LockFile, from: string): readonly BundledPackage[] {
  const inputs = Object.values(metafile.outputs).flatMap((output) =>
    Object.entries(output.inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
  const folders = new Set(inputs.flatMap((path) => folderOf(fromRoot(path, from))));
  return [...folders].toSorted().map((folder) => {
    const { name, version, license, integrity } = lock.packages[folder] ?? {};
    if (version === undefined || integrity === undefined)
      throw new Error(`package-lock.json does not name ${folder}, of which the bundle of ${from} has a part`);
    return { name: name ?? nameOf(folder), version, license: license ?? 'NOASSERTION', integrity, folder };
  });
}

function fromRoot(path: string, from: string): string {
  const parts = from.split('/');
  const rest = path.split('/');
  while (rest[0] === '..') {
    parts.pop();
    rest.shift();
  }
  return [...parts, ...rest].join('/');
}

/** None for a file of ours. */
function folderOf(path: string): readonly string[] {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? [];
}

function nameOf(folder: string): string {
  return folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);
}
