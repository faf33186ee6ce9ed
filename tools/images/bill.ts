// What an image, or a program on npm, is made of, as the bill of materials names it: packages of Debian and npm by their package URLs (purl).
import type { BundledPackage } from './bundled.ts';
import type { DebianPackage } from './debian.ts';
import type { NpmPackage } from '../stage/npm-package.ts';
import type { Architecture, ImageName } from './recipes.ts';
import { spdxDocument, type Checksum, type Material, type MaterialFile } from './spdx.ts';

export interface Ingredients {
  readonly name: ImageName;
  /** Of the image's manifest. */
  readonly digest: string;
  readonly arch: Architecture;
  readonly created: string;
  readonly version: string;
  readonly debian: readonly Omit<DebianPackage, 'entries'>[];
  readonly node: NpmPackage;
  readonly bundled: readonly BundledPackage[];
  readonly files: readonly MaterialFile[];
}

export function billOf(ingredients: Ingredients): object {
  const { name, digest, arch, created, version, debian, node, bundled, files } = ingredients;
  const purl = `pkg:oci/${name}@${encodeURIComponent(digest)}?arch=${arch}&tag=${version}`;
  const checksum: Checksum = { algorithm: 'SHA256', checksumValue: digest.replace('sha256:', '') };
  return spdxDocument({
    subject: { purpose: 'CONTAINER', name, version, license: 'MIT', purl, checksum },
    created,
    materials: [
      nodeMaterial(node),
      ...debian.map(debianMaterial),
      ...bundled.map((one) => npmMaterial(one, '/app')),
    ],
    files,
  });
}

export interface PackedProgram extends Pick<Ingredients, 'created' | 'version' | 'bundled'> {
  /** On npm. */
  readonly name: string;
  /** Of the archive. */
  readonly sha256: string;
}

export function billOfProgram({ name, version, created, sha256, bundled }: PackedProgram): object {
  return spdxDocument({
    subject: {
      purpose: 'APPLICATION',
      name,
      version,
      license: 'MIT',
      purl: npmUrl({ name, version }),
      checksum: { algorithm: 'SHA256', checksumValue: sha256 },
    },
    created,
    materials: bundled.map((one) => npmMaterial(one, 'package/dist')),
  });
}

function nodeMaterial({ name, version, integrity }: NpmPackage): Material {
  return {
    key: name,
    name,
    version,
    license: 'MIT',
    purl: `pkg:npm/${name}@${version}`,
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
    checksum: sha512(integrity),
    sourceInfo:
      'bin/node without its table of sections; the licences of its parts are in /usr/share/doc/nodejs/LICENSE',
  };
}

function debianMaterial({
  name,
  version,
  architecture,
  source,
  sha256,
}: Ingredients['debian'][number]): Material {
  return {
    key: name,
    name,
    version,
    // Debian's copyright files have no machine-readable expression for all of a package.
    license: 'NOASSERTION',
    purl: `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}&distro=debian-13`,
    checksum: { algorithm: 'SHA256', checksumValue: sha256 },
    sourceInfo: `source package ${source}; its licence is in /usr/share/doc/${name}/copyright`,
  };
}

function npmMaterial(bundled: BundledPackage, where: string): Material {
  const { name, version, license, integrity, folder } = bundled;
  return {
    key: folder,
    name,
    version,
    license,
    purl: npmUrl(bundled),
    checksum: sha512(integrity),
    sourceInfo: `a part of the bundle in ${where}`,
  };
}

const npmUrl = ({ name, version }: Pick<BundledPackage, 'name' | 'version'>) =>
  `pkg:npm/${name.replace('@', '%40')}@${version}`;

function sha512(integrity: string): Checksum {
  const value = Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex');
  return { algorithm: 'SHA512', checksumValue: value };
}
