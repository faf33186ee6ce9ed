// Checks the pages: links lead to a file and to a heading that it has, paths that are named exist, listed words are not used, terms are in the glossary.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { anchorsIn } from './anchors.ts';
import { glossaryTerms, termsWithoutEntry } from './glossary.ts';
import { brokenReferences } from './references.ts';
import { listedWords } from './words.mjs';

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && existsSync(file));
const terms = glossaryTerms(readFileSync('docs/reference/glossary.md', 'utf8'));
/** Pages for users, not for those who change the code. */
const isPublic = (file: string) =>
  /^(README|docs\/((?!contributor)[\w-]+\/)?[\w-]+|packages\/[^/]+\/README)\.md$/.test(file);
/** Of a page that is no Markdown, such as a folder or a source file, GitHub shows lines (#L12) alone. */
const anchorExists = (path: string, anchor: string) =>
  path.endsWith('.md') ? anchorsIn(readFileSync(path, 'utf8')).has(anchor) : /^L\d+/.test(anchor);
const problems = files.flatMap((file) => {
  const text = readFileSync(file, 'utf8');
  const references = brokenReferences(text, {
    linkExists: (target) => existsSync(join(dirname(file), target)),
    anchorExists: (target, anchor) =>
      anchorExists(target === '' ? file : join(dirname(file), target), anchor),
    pathExists: (path) => existsSync(path),
  });
  const listed = listedWords(text).map(
    ({ line, word, instead }) => `line ${line + 1}: write ${instead} instead of "${word}"`,
  );
  const terminology = isPublic(file)
    ? termsWithoutEntry(text, terms).map((term) => `${term} has no entry in docs/reference/glossary.md`)
    : [];
  return [...references, ...listed, ...terminology].map((problem) => `${file}: ${problem}`);
});
for (const problem of problems) console.error(problem);
console.log(
  `${files.length} pages of documentation, ${problems.length} broken references, listed words and unexplained terms`,
);
process.exit(problems.length > 0 ? 1 : 0);
