// The addresses of the site's pages: those of the Markdown files, so that links from elsewhere last as long as these.
import { posix } from 'node:path';
import { DocumentReflection, StructureRouter, type ProjectReflection, type Reflection } from 'typedoc';

/** A router of TypeDoc for pages that lie in `folder`. */
export function pageRouter(folder: string) {
  return class PageRouter extends StructureRouter {
    override buildPages(project: ProjectReflection) {
      const pages = super.buildPages(project);
      // Else links to README.md lead to the list of the libraries' modules.
      this.fullUrls.set(project, 'index.html');
      return pages;
    }

    protected override getIdealBaseName(reflection: Reflection): string {
      if (!(reflection instanceof DocumentReflection)) return `api/${super.getIdealBaseName(reflection)}`;
      const path = posix.relative(folder, reflection.project.files.getReflectionPath(reflection) ?? '');
      return addressOf(path);
    }
  };
}

/** The page of a Markdown file, without `.html`. */
export const addressOf = (path: string): string => path.replace(/README\.md$/, 'index').replace(/\.md$/, '');
