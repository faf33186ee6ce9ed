import { expect, test } from 'vitest';
import { spdxDocument } from './spdx.ts';

const sum = (letter: string, length: number) => letter.repeat(length);
const document = spdxDocument({
  subject: {
    purpose: 'CONTAINER',
    name: 'nmi',
    version: '1',
    license: 'MIT',
    purl: 'pkg:oci/nmi',
    checksum: { algorithm: 'SHA256', checksumValue: sum('a', 64) },
  },
  created: '2026-01-01T00:00:00Z',
  materials: [
    { key: 'one', name: 'one', version: '2', license: 'MIT', purl: 'pkg:deb/debian/one@2' },
    {
      key: 'node',
      name: 'node',
      version: '24',
      license: 'MIT',
      purl: 'pkg:npm/node@24',
      cpe: 'cpe:2.3:a:nodejs',
    },
  ],
  files: [
    { path: 'usr/lib/one', owner: 'one', sha1: sum('b', 40), sha256: sum('c', 64) },
    { path: 'etc/passwd', owner: 'image', sha1: sum('0', 40), sha256: sum('d', 64) },
  ],
}) as Document;

interface Element {
  readonly SPDXID: string;
  readonly [field: string]: unknown;
}
interface Document extends Element {
  readonly packages: readonly Element[];
  readonly files: readonly Element[];
  readonly relationships: readonly {
    readonly spdxElementId: string;
    readonly relationshipType: string;
    readonly relatedSpdxElement: string;
  }[];
}

test('the document has what the JSON schema of SPDX 2.3 requires', () => {
  const required = ['SPDXID', 'creationInfo', 'dataLicense', 'name', 'spdxVersion', 'documentNamespace'];
  expect(Object.keys(document)).toEqual(expect.arrayContaining(required));
  expect(document['creationInfo']).toEqual({
    created: '2026-01-01T00:00:00Z',
    creators: ['Tool: pod-identity-images'],
  });
  for (const one of document.packages)
    expect(Object.keys(one)).toEqual(
      expect.arrayContaining(['SPDXID', 'downloadLocation', 'name', 'filesAnalyzed']),
    );
  for (const one of document.files)
    expect(Object.keys(one)).toEqual(expect.arrayContaining(['SPDXID', 'checksums', 'fileName']));
});

test('identifiers are well-formed and unique, and relationships lead to something', () => {
  const ids = [document, ...document.packages, ...document.files].map(({ SPDXID }) => SPDXID);
  expect(ids.filter((id) => !/^SPDXRef-[A-Za-z0-9.-]+$/.test(id))).toEqual([]);
  expect(new Set(ids).size).toBe(ids.length);
  const ends = document.relationships.flatMap((one) => [one.spdxElementId, one.relatedSpdxElement]);
  expect(ends.filter((id) => !ids.includes(id))).toEqual([]);
});

test('the document describes the image, which contains the packages and the files; a file is from a package', () => {
  const relations = document.relationships.map((one) => Object.values(one).join(' '));
  expect(relations).toEqual([
    'SPDXRef-DOCUMENT DESCRIBES SPDXRef-Subject',
    'SPDXRef-Subject CONTAINS SPDXRef-Package-1',
    'SPDXRef-Subject CONTAINS SPDXRef-Package-2',
    'SPDXRef-Subject CONTAINS SPDXRef-File-1',
    'SPDXRef-Subject CONTAINS SPDXRef-File-2',
    'SPDXRef-File-1 GENERATED_FROM SPDXRef-Package-1',
  ]);
});

test('the verification code is the SHA-1 of the sorted checksums of the files', () => {
  // printf '%s%s' $(printf '0%.0s' {1..40}) $(printf 'b%.0s' {1..40}) | sha1sum
  const [image] = document.packages;
  expect(image?.['packageVerificationCode']).toEqual({
    packageVerificationCodeValue: 'ffe4693ec25ff2cf738c69e03f1014febc2ceb51',
  });
});

test('a package whose files are not looked at has no verification code, which would be that of no file', () => {
  const { packages } = spdxDocument({
    subject: {
      purpose: 'APPLICATION',
      name: 'kubectl',
      version: '1',
      license: 'MIT',
      purl: 'pkg:npm/kubectl@1',
    },
    created: '2026-01-01T00:00:00Z',
    materials: [],
  }) as Document;
  expect(packages).toEqual([expect.objectContaining({ filesAnalyzed: false, name: 'kubectl' })]);
  expect(packages[0]).not.toHaveProperty('packageVerificationCode');
});
