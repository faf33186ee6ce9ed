// Bundles src/main.ts into dist/keyvault-sample.js: one self-contained file, and separate ones for what is rarely loaded, so that an
// image needs no node_modules. `--version` names the commit: of SOURCE_COMMIT and SOURCE_DATE_EPOCH, else of git, else `unknown`.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const { SOURCE_COMMIT, SOURCE_DATE_EPOCH } = process.env;
const commit =
  SOURCE_COMMIT || git('describe', '--always', '--dirty', '--abbrev=40', '--exclude=*') || 'unknown';
const seconds = Number(SOURCE_DATE_EPOCH || (!SOURCE_COMMIT && git('log', '-1', '--format=%ct')) || 0);
if (!Number.isSafeInteger(seconds) || seconds < 0)
  throw new Error(`SOURCE_DATE_EPOCH must be a number of seconds since 1970: ${SOURCE_DATE_EPOCH}`);
const date = seconds === 0 ? 'unknown' : new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');

rmSync('dist', { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: { 'keyvault-sample': 'src/main.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.18',
  sourcemap: true,
  metafile: true,
  logLevel: 'warning',
  define: { POD_IDENTITY_COMMIT: JSON.stringify(commit), POD_IDENTITY_DATE: JSON.stringify(date) },
  // For CommonJS modules within the bundle.
  banner: {
    js: "import { createRequire as createRequireForBundle } from 'node:module'; const require = createRequireForBundle(import.meta.url);",
  },
});
mkdirSync('dist', { recursive: true });
// What is in the bundle, for a bill of materials.
writeFileSync('dist/metafile-esm.json', JSON.stringify(metafile));

function git(...args) {
  const { status, stdout } = spawnSync('git', args, { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : '';
}
