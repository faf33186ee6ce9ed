// Installs a plug-in of kubectl as krew does it (https://krew.sigs.k8s.io): what that checks of a manifest and of an archive, and where the files go.
import { createHash } from 'node:crypto';
import { mkdir, readFile, symlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parse } from 'yaml';
import { runCommand } from '../stage/run-command.ts';

interface KrewManifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly version: string;
    readonly shortDescription: string;
    readonly platforms: readonly {
      readonly selector: { readonly matchLabels: { readonly os?: string; readonly arch?: string } };
      readonly sha256: string;
      readonly bin: string;
    }[];
  };
}

interface Installing {
  /** As YAML. */
  readonly manifest: string;
  /** What is at the address that the manifest has. */
  readonly archive: string;
  readonly os: 'linux' | 'darwin';
  /** Such as `~/.krew`. */
  readonly root: string;
}

/** Resolves to the folder that users of krew have in their PATH. Throws where krew would refuse. */
export async function installByKrew({ manifest, archive, os, root }: Installing): Promise<string> {
  const { apiVersion, kind, metadata, spec } = parse(manifest) as KrewManifest;
  const { name } = metadata;
  const { version, shortDescription } = spec;
  const platform = spec.platforms.find(({ selector }) => selector.matchLabels.os === os);
  const sha256 = createHash('sha256')
    .update(await readFile(archive))
    .digest('hex');
  const isTaken =
    apiVersion === 'krew.googlecontainertools.github.com/v1alpha2' &&
    kind === 'Plugin' &&
    /^[\w-]+$/.test(name) &&
    /^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version) &&
    /^[^\r\n]+$/.test(shortDescription);
  if (!isTaken) throw new Error(`krew refuses this manifest:\n${manifest}`);
  if (platform?.sha256 !== sha256) throw new Error(`for ${os} the manifest has no archive of ${sha256}`);

  // The manifest has no `files`: all that is in the archive is installed, unchanged.
  const installed = join(root, 'store', name, version);
  await unpack(archive, installed);
  const program = join(installed, platform.bin);
  if (relative(installed, program).startsWith('..')) throw new Error(`krew refuses ${platform.bin}`);
  const bin = join(root, 'bin');
  await mkdir(bin);
  await symlink(relative(bin, program), join(bin, `kubectl-${name.replaceAll('-', '_')}`));
  return bin;
}

async function unpack(archive: string, folder: string): Promise<void> {
  const { stdout } = await runCommand('tar', ['--list', '--verbose', '--gzip', '--file', archive]);
  for (const entry of stdout.trim().split('\n')) {
    const path = entry.split(/ +/)[5] ?? '';
    if (!/^[-d]/.test(entry) || path.includes('..') || path.startsWith('/'))
      throw new Error(`krew unpacks no such entry: ${entry}`);
  }
  await mkdir(folder, { recursive: true });
  await runCommand('tar', ['--extract', '--gzip', '--file', archive, '--directory', folder]);
}
