// `node tools/checks/measure-house.ts [FOLDER]`: measures the TypeScript of packages and tools, as a row of a Markdown table, and the
// lines of the products' sources (`packages/*/src` without tests). FOLDER: another checkout, to compare with.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import ts from 'typescript';
import { circles, quantile, type Graph } from './house-figures.ts';

const root = process.argv[2] ?? '.';
const isTest = (file: string) => /\.test(-d)?\.ts$|\/test\/|^tools\/e2e\//.test(file);
const files = execFileSync(
  'git',
  ['ls-files', 'packages/*.ts', 'packages/*.tsx', 'tools/*.ts', 'tools/*.tsx'],
  {
    cwd: root,
    encoding: 'utf8',
  },
)
  .split('\n')
  .filter((file) => file !== '');
const text = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
const sources = files.filter((file) => !isTest(file) && !file.endsWith('.config.ts'));
const linesOf = (file: string) => (text.get(file) ?? '').trimEnd().split('\n');
const linesIn = (list: readonly string[]) => list.reduce((sum, file) => sum + linesOf(file).length, 0);

function parse(file: string): ts.SourceFile {
  return ts.createSourceFile(file, text.get(file) ?? '', ts.ScriptTarget.Latest, true);
}

/** Lines of named functions, methods and assigned arrows. */
function functionsIn(file: string): number[] {
  const source = parse(file);
  const lengths: number[] = [];
  const lineOf = (position: number) => source.getLineAndCharacterOfPosition(position).line;
  const visit = (node: ts.Node): void => {
    const isAssigned = ts.isVariableDeclaration(node.parent) || ts.isPropertyDeclaration(node.parent);
    const isNamed = ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node);
    if ((isNamed && node.body) || (isAssigned && (ts.isArrowFunction(node) || ts.isFunctionExpression(node))))
      lengths.push(lineOf(node.end) - lineOf(node.getStart(source)) + 1);
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(source, visit);
  return lengths;
}

interface Import {
  readonly target: string;
  readonly isTypeOnly: boolean;
}

function importsOf(file: string): Import[] {
  return parse(file).statements.flatMap((statement) => {
    const isLink = ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement);
    if (!isLink || !statement.moduleSpecifier || !ts.isStringLiteral(statement.moduleSpecifier)) return [];
    const isTypeOnly = ts.isImportDeclaration(statement)
      ? statement.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
      : statement.isTypeOnly;
    return [{ target: statement.moduleSpecifier.text, isTypeOnly }];
  });
}

const imports = new Map(sources.map((file) => [file, importsOf(file)]));

function graphOf(include: (one: Import) => boolean, namesOf: (file: string) => readonly string[]): Graph {
  const graph = new Map<string, Set<string>>();
  for (const [file, links] of imports) {
    const targets = links
      .filter((one) => one.target.startsWith('.') && include(one))
      .flatMap((link) => namesOf(normalize(join(dirname(file), link.target))));
    for (const from of namesOf(file)) {
      const apart = targets.filter((to) => !isWithin(to, from) && !isWithin(from, to));
      graph.set(from, new Set([...(graph.get(from) ?? []), ...apart]));
    }
  }
  return graph;
}

const isWithin = (one: string, other: string) => `${one}/`.startsWith(`${other}/`);

/** A file's folder and all above it, as `bootstrap.mjs boundaries` sums folders up. */
function foldersOf(file: string): readonly string[] {
  const folder = dirname(file);
  return folder === '.' ? [] : [folder, ...foldersOf(folder)];
}

const isComment = (line: string) => /^\s*(\/\/|\/\*|\*)/.test(line);
const all = sources.flatMap(linesOf).filter((line) => line.trim() !== '');
const three = (values: readonly number[]) =>
  [quantile(values, 0.5), quantile(values, 0.9), quantile(values, 1)].join(' / ');
const percent = (part: number, whole: number, digits: number) =>
  `${((100 * part) / whole).toFixed(digits)} %`;
const functions = sources.flatMap(functionsIn);
const counts = [...imports.values()].map((links) => links.length);
const commit = execFileSync('git', ['log', '-1', '--format=%h, %cs'], { cwd: root, encoding: 'utf8' }).trim();

const cells = {
  code: `packages and tools, ${commit}`,
  files: sources.length,
  lines: linesIn(sources),
  'file median / p90 / max': three(sources.map((file) => linesOf(file).length)),
  'functions: median / p90 / max': three(functions),
  '>45 lines': percent(functions.filter((length) => length > 45).length, functions.length, 1),
  comment: percent(all.filter(isComment).length, all.length, 0),
  'imports per file med / p90': [quantile(counts, 0.5), quantile(counts, 0.9)].join(' / '),
  'import circles': circles(
    graphOf(
      (one) => !one.isTypeOnly,
      (file) => [file],
    ),
  ).length,
  'folder circles': circles(graphOf(() => true, foldersOf)).length,
  'tests : code': (linesIn(files.filter(isTest)) / linesIn(sources)).toFixed(2),
};
console.log(`| ${Object.keys(cells).join(' | ')} |`);
console.log(`|${'---|'.repeat(Object.keys(cells).length)}`);
console.log(`| ${Object.values(cells).join(' | ')} |`);
const products = sources.filter((file) => /^packages\/[^/]+\/src\//.test(file));
console.log(`\n${linesIn(products)} lines in ${products.length} files of packages/*/src without tests`);
