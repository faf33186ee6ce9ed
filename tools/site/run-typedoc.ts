// TypeDoc over the site's pages and the libraries (typedoc.json).
import { join } from 'node:path';
import {
  Application,
  DocumentReflection,
  IndexEvent,
  TSConfigReader,
  TypeDocReader,
  type DeclarationReflection,
  type TypeDocOptions,
} from 'typedoc';
import { extendMarkdown, type Parser } from './markdown.ts';
import { home, shelves } from './pages.ts';
import type { Entry } from './ranking.ts';
import { pageRouter } from './router.ts';

interface Given {
  readonly repository: string;
  /** The pages. */
  readonly folder: string;
  /** The search's part that runs in the browser. */
  readonly script: string;
  readonly out: string;
  readonly forge: string;
}

/** Writes the site without the search's data; returns what is to be found of the libraries. */
export async function runTypeDoc(given: Given): Promise<Entry[]> {
  const application = await Application.bootstrap(optionsFor(given), [
    new TypeDocReader(),
    new TSConfigReader(),
  ]);
  application.renderer.defineRouter('pages', pageRouter(given.folder));
  const entries: Entry[] = [];
  application.renderer.on(IndexEvent.PREPARE_INDEX, (event: IndexEvent) => {
    for (let index = event.searchResults.length - 1; index >= 0; index -= 1) {
      const result = event.searchResults[index];
      if (result !== undefined && !(result instanceof DocumentReflection))
        entries.push(exported(result, application));
      // TypeDoc's own search is not used.
      event.removeResult(index);
    }
  });
  const project = await application.convert();
  if (project === undefined) throw new Error('TypeDoc could not read the libraries');
  for (const library of project.children ?? [])
    library.name = library.name.replace(/^packages\/(.*)\/src$/, 'API of $1');
  application.validate(project);
  await application.generateDocs(project, given.out);
  if (application.logger.hasErrors() || application.logger.hasWarnings())
    throw new Error('TypeDoc complains: see above');
  return entries;
}

function optionsFor({ repository, folder, script, out, forge }: Given): TypeDocOptions {
  return {
    options: join(repository, 'typedoc.json'),
    readme: join(folder, home),
    projectDocuments: shelves.map((path) => join(folder, path)),
    router: 'pages',
    sort: ['kind', 'instance-first', 'alphabetical-ignoring-documents'],
    markdownItLoader: (parser: unknown) => extendMarkdown(parser as Parser),
    customCss: join(import.meta.dirname, 'site.css'),
    customJs: script,
    out,
    hideGenerator: true,
    highlightLanguages: ['bash', 'console', 'javascript', 'json', 'typescript', 'yaml', 'python', 'docker'],
    ignoredHighlightLanguages: ['promql'],
    disableGit: true,
    basePath: repository,
    gitRevision: 'main',
    sourceLinkTemplate: `${forge}/blob/main/{path}#L{line}`,
  };
}

function exported(reflection: DeclarationReflection, { renderer }: Application): Entry {
  const parent =
    reflection.parent === undefined || reflection.parent.isProject() ? reflection : reflection.parent;
  const summary = (reflection.comment ?? reflection.signatures?.[0]?.comment)?.summary ?? [];
  return {
    title: reflection.name,
    page: parent.name,
    shelf: 'API',
    url: renderer.router?.getFullUrl(reflection) ?? '',
    text: summary.map(({ text }) => text).join(''),
  };
}
