// Builds the site: Markdown with rewritten links in a folder of its own, TypeDoc over it and over the libraries, and the search.
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { build } from 'esbuild';
import { drawFlowcharts } from './flowchart.ts';
import { rewriteLinks, type Targets } from './links.ts';
import { home, parentOf, type PlacedPage } from './pages.ts';
import { addressOf } from './router.ts';
import { runTypeDoc } from './run-typedoc.ts';
import { sectionsOf } from './sections.ts';

interface Site {
  readonly repository: string;
  readonly pages: readonly PlacedPage[];
  readonly pictures: readonly string[];
  readonly targets: Targets;
  readonly out: string;
}

export async function buildSite({ repository, pages, pictures, targets, out }: Site): Promise<void> {
  const drawn = pages.map((page) => ({ ...page, text: drawFlowcharts(page.text) }));
  const folder = await mkdtemp(join(tmpdir(), 'pod-identity-site-'));
  try {
    for (const page of drawn) await write(join(folder, page.path), stagedPage(page, targets));
    for (const path of pictures) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await cp(join(repository, path), join(folder, path));
    }
    const script = join(folder, 'search-box.js');
    const bundled = { bundle: true, minify: true, format: 'iife', logLevel: 'error' } as const;
    await build({ entryPoints: [join(import.meta.dirname, 'search-box.mjs')], outfile: script, ...bundled });
    const exported = await runTypeDoc({ repository, folder, script, out, forge: targets.forge });
    const entries = drawn.flatMap(({ path, title, text }) =>
      sectionsOf({ title, text, url: `${addressOf(path)}.html`, shelf: shelfOf(path) }),
    );
    await write(
      join(out, 'assets/site-entries.js'),
      `window.siteEntries=${JSON.stringify([...entries, ...exported])};\n`,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

function stagedPage({ path, text, title, children }: PlacedPage, targets: Targets): string {
  const content = rewriteLinks(path, text, targets);
  // TypeDoc writes its own title over the home page.
  if (path === home) return content.replace(/^# .*\n/, '');
  const below = children
    .map((child) => JSON.stringify(posix.relative(posix.dirname(path), child)))
    .join(', ');
  return `---\ntitle: ${JSON.stringify(title)}\nchildren: [${below}]\n---\n\n${content}`;
}

/** Pages of the third level have a name of their own, which the search ranks and shows. */
const shelfNames: readonly (readonly [string, string])[] = [
  ['docs/contributor/decisions.md', 'Decisions'],
  ['docs/administrator/', 'Administrator'],
  ['docs/app-developer/', 'App developer'],
  ['docs/contributor/', 'Contributor'],
  ['docs/reference/', 'Reference'],
];

function shelfOf(path: string): string {
  const above = parentOf(path) ?? path;
  const [, name = 'Pod Identity'] =
    shelfNames.find(([start]) => path.startsWith(start)) ??
    shelfNames.find(([start]) => above.startsWith(start)) ??
    [];
  return name;
}

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}
