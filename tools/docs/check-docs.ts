// Documentation that can be wrong is checked: links lead somewhere, paths that are named exist.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { brokenReferences } from './references.ts';

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && existsSync(file));
const problems = files.flatMap((file) =>
  brokenReferences(readFileSync(file, 'utf8'), {
    linkExists: (target) => existsSync(join(dirname(file), target)),
    pathExists: (path) => existsSync(path),
  }).map((problem) => `${file}: ${problem}`),
);
for (const problem of problems) console.error(problem);
console.log(`${files.length} pages of documentation, ${problems.length} broken references`);
process.exit(problems.length > 0 ? 1 : 0);
