// publint and are-the-types-wrong on the published libraries, as npm would pack them.
import { spawnSync } from 'node:child_process';

const result = spawnSync('nx', ['run-many', '-t', 'check-package', '--outputStyle=static'], {
  encoding: 'utf8',
});
if (result.status !== 0) process.stderr.write(`${result.stdout}${result.stderr}`);
else console.log('published packages: publint and are-the-types-wrong found nothing');
process.exit(result.status ?? 1);
