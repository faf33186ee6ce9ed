// Checks the pages: links lead to a file and to a heading that it has, and paths that are named exist.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { anchorsIn } from './anchors.ts';
import { brokenReferences } from './references.ts';

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && existsSync(file));
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
  return references.map((problem) => `${file}: ${problem}`);
});
for (const problem of problems) console.error(problem);
console.log(`${files.length} pages of documentation, ${problems.length} broken references`);
process.exit(problems.length > 0 ? 1 : 0);
