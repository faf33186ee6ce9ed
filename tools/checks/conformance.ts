// Prints, for each item of the original's conformance list, the tests that name it; fails when one has neither a test nor
// an entry in docs/administrator/from-the-original.md.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { repository } from '../stage/places.ts';
import { conformance, isMissing, type ItemReport } from './conformance-items.ts';

/** The files of the working tree, including untracked ones. */
export function readConformance(): ItemReport[] {
  const list = ['ls-files', '--cached', '--others', '--exclude-standard', '*.test.ts'];
  const files = execFileSync('git', list, { cwd: repository, encoding: 'utf8' })
    .split('\n')
    .filter((path) => path !== '' && existsSync(`${repository}/${path}`))
    .map((path) => ({ path, text: readFileSync(`${repository}/${path}`, 'utf8') }));
  return conformance(files, readFileSync(`${repository}/docs/administrator/from-the-original.md`, 'utf8'));
}

function print(reports: readonly ItemReport[]): void {
  for (const report of reports) {
    console.log(
      `${report.item}${report.later ? ' (later)' : ''}${report.explained ? ' (see differences)' : ''}`,
    );
    for (const test of report.tests) console.log(`    ${test}`);
    if (isMissing(report)) console.log('    MISSING');
  }
  const missing = reports.filter(isMissing).map(({ item }) => item);
  const due = reports.filter((report) => !report.later);
  console.log(
    `${due.length} items, ${missing.length} missing${missing.length > 0 ? `: ${missing.join(', ')}` : ''}`,
  );
  process.exitCode = missing.length > 0 ? 1 : 0;
}

if (import.meta.main) print(readConformance());
