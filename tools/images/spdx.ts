// A bill of materials in the format SPDX 2.3 (JSON): packages, files with their checksums, and which file is from which package.
import { createHash } from 'node:crypto';

export interface Material {
  /** The name by which files say where they are from. */
  readonly key: string;
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** Package URL: what scanners look vulnerabilities up by. */
  readonly purl: string;
  readonly cpe?: string;
  readonly checksum?: Checksum;
  /** Where it comes from, in words. */
  readonly sourceInfo?: string;
}

export interface Checksum {
  readonly algorithm: 'SHA1' | 'SHA256' | 'SHA512';
  readonly checksumValue: string;
}

export interface MaterialFile {
  readonly path: string;
  readonly owner: string;
  readonly sha1: string;
  readonly sha256: string;
}

export interface Bill {
  /** What it is of. */
  readonly subject: Omit<Material, 'key'> & { readonly purpose: 'CONTAINER' | 'APPLICATION' };
  readonly created: string;
  readonly materials: readonly Material[];
  /** Undefined: they are not looked at. */
  readonly files?: readonly MaterialFile[];
}

const documentId = 'SPDXRef-DOCUMENT';
const subjectId = 'SPDXRef-Subject';
const unknown = 'NOASSERTION';

export function spdxDocument({ subject, created, materials, files }: Bill): object {
  const ids = new Map(materials.map(({ key }, index) => [key, `SPDXRef-Package-${index + 1}`]));
  const listed = (files ?? []).map((file, index) => ({ file, id: `SPDXRef-File-${index + 1}` }));
  const digest = subject.checksum?.checksumValue ?? '';
  const relation = (from: string, type: string, to: string) => ({
    spdxElementId: from,
    relationshipType: type,
    relatedSpdxElement: to,
  });
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: documentId,
    name: `${subject.name}-${subject.version}`,
    // The same image has the same; no host is named that would have to serve it.
    documentNamespace: `urn:uuid:${uuidOf(digest)}`,
    creationInfo: { created, creators: ['Tool: pod-identity-images'] },
    packages: [
      { ...packageOf(subject, subjectId), primaryPackagePurpose: subject.purpose, ...analysed(files) },
      ...materials.map((material) => ({
        ...packageOf(material, ids.get(material.key) ?? ''),
        filesAnalyzed: false,
      })),
    ],
    files: listed.map(({ file, id }) => fileOf(file, id)),
    relationships: [
      relation(documentId, 'DESCRIBES', subjectId),
      ...[...ids.values(), ...listed.map(({ id }) => id)].map((id) => relation(subjectId, 'CONTAINS', id)),
      ...listed.flatMap(({ file, id }) => {
        const from = ids.get(file.owner);
        return from === undefined ? [] : [relation(id, 'GENERATED_FROM', from)];
      }),
    ],
  };
}

function analysed(files: Bill['files']) {
  if (files === undefined) return { filesAnalyzed: false };
  return {
    filesAnalyzed: true,
    packageVerificationCode: { packageVerificationCodeValue: verificationCode(files) },
    licenseInfoFromFiles: [unknown],
  };
}

function packageOf(material: Omit<Material, 'key'>, id: string) {
  const { name, version, license, purl, cpe, checksum, sourceInfo } = material;
  const reference = (category: string, type: string, locator: string) => ({
    referenceCategory: category,
    referenceType: type,
    referenceLocator: locator,
  });
  return {
    name,
    SPDXID: id,
    versionInfo: version,
    downloadLocation: unknown,
    licenseConcluded: unknown,
    licenseDeclared: license,
    copyrightText: unknown,
    ...(sourceInfo !== undefined && { sourceInfo }),
    ...(checksum && { checksums: [checksum] }),
    externalRefs: [
      reference('PACKAGE-MANAGER', 'purl', purl),
      ...(cpe === undefined ? [] : [reference('SECURITY', 'cpe23Type', cpe)]),
    ],
  };
}

function fileOf({ path, sha1, sha256 }: MaterialFile, id: string) {
  return {
    fileName: `./${path}`,
    SPDXID: id,
    checksums: [
      { algorithm: 'SHA1', checksumValue: sha1 },
      { algorithm: 'SHA256', checksumValue: sha256 },
    ],
    licenseConcluded: unknown,
    licenseInfoInFiles: [unknown],
    copyrightText: unknown,
  };
}

/** Chapter 7.9 of the specification. */
function verificationCode(files: readonly MaterialFile[]): string {
  const sums = files.map(({ sha1 }) => sha1).toSorted();
  return createHash('sha1').update(sums.join('')).digest('hex');
}

/** Version 8 (RFC 9562): made of a hash. */
function uuidOf(text: string): string {
  const hash = createHash('sha256').update(text).digest('hex');
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    `8${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ].join('-');
}
