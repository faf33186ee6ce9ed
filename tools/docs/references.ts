/** What exists, for a page's references. */
export interface Existing {
  /** A link's target, relative to the page. */
  linkExists(target: string): boolean;
  /** A path that the text names, relative to the repository. */
  pathExists(path: string): boolean;
}

/** A sentence for each broken link and each path that does not exist. */
export function brokenReferences(markdown: string, existing: Existing): string[] {
  const text = markdown.replaceAll(/```[\s\S]*?```/g, '');
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '');
  const named = [...text.matchAll(/`((?:packages|tools|deploy|docs)\/[\w./-]+)`/g)].map(
    (match) => match[1] ?? '',
  );
  return [
    ...links
      .filter((target) => !/^(https?:|mailto:|#)/.test(target))
      .map((target) => target.replace(/#.*$/, ''))
      .filter((target) => target !== '' && !existing.linkExists(target))
      .map((target) => `the link to ${target} leads nowhere`),
    ...named.filter((path) => !existing.pathExists(path)).map((path) => `there is no ${path}`),
  ];
}
