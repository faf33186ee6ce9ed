// What the site's Markdown needs besides what TypeDoc does. The parser is TypeDoc's (markdown-it); only what is used here is declared.

interface Token {
  type: string;
  info: string;
  readonly children: Token[] | null;
}

type Rule = (tokens: readonly Token[], index: number) => string;

export interface Parser {
  readonly core: {
    readonly ruler: {
      push(name: string, rule: (state: { readonly tokens: readonly Token[] }) => void): void;
    };
  };
  readonly renderer: { readonly rules: Record<string, Rule | undefined> };
}

export function extendMarkdown(parser: Parser): void {
  // TypeDoc leaves code out of a heading's anchor and of the page's table of contents.
  parser.core.ruler.push('code-in-headings', ({ tokens }) => {
    tokens.forEach(({ children }, index) => {
      if (tokens[index - 1]?.type !== 'heading_open') return;
      for (const child of children ?? []) if (child.type === 'code_inline') child.type = 'text';
    });
  });
  // TypeDoc takes a block of no language for TypeScript.
  parser.core.ruler.push('plain-blocks', ({ tokens }) => {
    for (const token of tokens) if (token.type === 'fence' && token.info === '') token.info = 'text';
  });
  // A table that is wider than a phone scrolls by itself.
  parser.renderer.rules['table_open'] = () => '<div class="site-table" tabindex="0"><table>\n';
  parser.renderer.rules['table_close'] = () => '</table></div>\n';
}
