// `bootstrap.mjs site`: makes the documentation and the libraries' reference one static site in dist/site (or --out FOLDER), and checks it.
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { repository } from '../stage/places.ts';
import { makeSite } from './make-site.ts';

const { values } = parseArgs({ options: { out: { type: 'string', default: 'dist/site' } } });
const out = resolve(repository, values.out);
// Another folder than the default may have files that are not of a site.
if (values.out === 'dist/site') await rm(out, { recursive: true, force: true });
const { pages, problems } = await makeSite(out);
for (const problem of problems) console.error(problem);
console.log(`${pages} pages, ${problems.length} broken links: ${join(out, 'index.html')}`);
process.exit(problems.length > 0 ? 1 : 0);
