// A flowchart of Mermaid as nested lists: the site loads no library that draws it, and lists can be read on a phone and searched.

interface Arrow {
  readonly from: string;
  readonly label: string | undefined;
  readonly to: string;
}

/** The page with a nested list in place of each flowchart that is a tree. */
export const drawFlowcharts = (markdown: string): string =>
  markdown.replaceAll(/^```mermaid\nflowchart [A-Z]{2}\n([\s\S]*?)^```$/gm, (_, source: string) =>
    asList(source),
  );

function asList(source: string): string {
  const texts = new Map<string, string>();
  const arrows: Arrow[] = source
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, from, label, to] = /^\s*(.+?) +(?:-- +(.+?) +)?--> +(.+?)\s*$/.exec(line) ?? [];
      if (from === undefined || to === undefined) throw new TypeError(`not understood: ${line}`);
      return {
        from: node(from, texts),
        label: label === undefined ? undefined : plain(label),
        to: node(to, texts),
      };
    });
  const [root] = arrows;
  if (root === undefined) throw new TypeError('an empty flowchart');
  const lines = (id: string, label: string | undefined, depth: number): string[] => [
    `${'  '.repeat(depth)}- ${label === undefined ? '' : `**${label}:** `}${texts.get(id) ?? id}`,
    ...arrows.filter(({ from }) => from === id).flatMap((one) => lines(one.to, one.label, depth + 1)),
  ];
  return lines(root.from, undefined, 0).join('\n');
}

/** The id of a node; its text is noted where it first stands. */
function node(text: string, texts: Map<string, string>): string {
  const [, id = text, shape] = /^(\w+)(?:[[{](.*)[\]}])?$/.exec(text) ?? [];
  if (shape !== undefined) texts.set(id, plain(shape));
  return id;
}

const plain = (text: string): string => text.replace(/^"(.*)"$/, '$1').replaceAll('<br/>', ' ');
