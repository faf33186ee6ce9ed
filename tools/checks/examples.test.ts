// The examples in the READMEs and doc comments of the published libraries compile with what they name.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import * as crdTypes from '../../packages/crd-types/src/index.ts';
import * as imdsClient from '../../packages/imds-client/src/index.ts';
import { repository } from '../stage/places.ts';
import { atHand as values } from './at-hand.ts';

const libraries = { 'imds-client': Object.keys(imdsClient), 'crd-types': Object.keys(crdTypes) };
const folder = join(repository, 'tools/checks');

interface Example {
  readonly source: string;
  readonly text: string;
}

/** What a reader of a doc comment has at hand; each README is whole. */
const atHand = `
import { SecretClient } from '@azure/keyvault-secrets';
import type { ImdsClient } from '@pod-identity/imds-client';
import { atHand } from './at-hand.ts';
declare const clientId: string;
declare const vaultUrl: string;
declare const client: ImdsClient;
const { ${Object.keys(values).join(', ')} } = atHand;
`;

function examplesOf(library: keyof typeof libraries): Example[] {
  const root = join(repository, 'packages', library);
  const readme = blocks(readFileSync(join(root, 'README.md'), 'utf8')).map((text, index) => ({
    source: `${library}/README.md, example ${index + 1}`,
    text,
  }));
  const comments = globSync('src/**/*.ts', { cwd: root }).flatMap((path) =>
    blocks(readFileSync(join(root, path), 'utf8').replaceAll(/^ *\* ?/gm, '')).map((text, index) => ({
      source: `${library}/${path}, example ${index + 1}`,
      text: `${importsFor(text)}${atHand}{\n${text}\n}`,
    })),
  );
  return [...readme, ...comments];
}

const blocks = (text: string) => [...text.matchAll(/^```ts\n(.*?)^```/gms)].map(([, block = '']) => block);

function importsFor(text: string): string {
  return Object.entries(libraries)
    .map(([library, names]) => {
      const named = names.filter((name) => new RegExp(`\\b${name}\\b`).test(text));
      return `import { ${named.join(', ')} } from '@pod-identity/${library}';\n`;
    })
    .join('');
}

const examples = Object.keys(libraries).flatMap((name) => examplesOf(name as keyof typeof libraries));

test('every example compiles', () => {
  const files = new Map(
    examples.map((example, index) => [join(folder, `example-${index}.mts`), example] as const),
  );
  const read = ts.readConfigFile(join(repository, 'tsconfig.base.json'), (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent(read.config, ts.sys, repository);
  const host = ts.createCompilerHost({ ...options, noUnusedLocals: false });
  host.readFile = (path) => files.get(path)?.text ?? ts.sys.readFile(path);
  host.fileExists = (path) => files.has(path) || ts.sys.fileExists(path);
  const program = ts.createProgram([...files.keys()], { ...options, noUnusedLocals: false }, host);
  const found = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
    const source = files.get(file?.fileName ?? '')?.source ?? file?.fileName;
    return `${source}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
  const sources = examples.map(({ source }) => source);
  for (const library of Object.keys(libraries))
    for (const place of ['README.md', 'src/'])
      expect(sources).toContainEqual(expect.stringContaining(`${library}/${place}`));
  expect(found).toEqual([]);
});
