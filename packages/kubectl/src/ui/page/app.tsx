import type { FunctionComponent } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Picture } from '../picture.ts';
import type { Source } from './connection.ts';
import { draw, isGroup, itemIdOf } from './derive.ts';
import { Details } from './details.tsx';
import { countPods, filterPicture } from './filter.ts';
import { Header } from './header.tsx';
import { PictureView } from './picture-view.tsx';
import { TableView } from './table-view.tsx';
import { useKeys, useMessage, useNews, useSource, useStory } from './use-source.ts';
import { isFiltered, wholeView, type View } from './view.ts';

interface Properties {
  readonly source: Source;
  readonly view: View;
  readonly change: (part: Partial<View>) => void;
}

export const App: FunctionComponent<Properties> = ({ source, view, change }) => {
  const { picture, problem } = useSource(source);
  const news = useNews(picture);
  const [copied, say] = useMessage();
  const copy = (text: string): void =>
    void navigator.clipboard.writeText(text).then(
      () => say('Copied.'),
      () => say('The browser did not let this page copy: select the text.'),
    );
  useEffect(() => {
    if (picture) document.title = titleOf(picture);
  }, [picture]);
  if (picture === undefined) return <Start problem={problem} />;
  return (
    <>
      <Header {...{ picture, view, change, problem, source, copy }} />
      <Body source={source} view={view} change={change} picture={picture} copy={copy} />
      <div class={copied === '' ? 'hidden' : 'message'} role="status">
        {copied === '' ? news : copied}
      </div>
    </>
  );
};

/** Seen in the bar of tabs as well. */
const titleOf = ({ things }: Picture): string => {
  const { refused } = countPods(things);
  return refused === 0 ? 'Pod Identity' : `${refused} refused, Pod Identity`;
};

interface BodyProperties extends Properties {
  readonly picture: Picture;
  readonly copy: (text: string) => void;
}

const Body: FunctionComponent<BodyProperties> = ({ source, view, change, picture, copy }) => {
  const [width, setWidth] = useState(() => window.innerWidth - 32);
  const { namespace, states, identity, search } = view;
  const seen = useMemo(() => filterPicture(picture, view), [picture, namespace, states, identity, search]);
  const drawing = useMemo(() => draw(seen, view, width), [seen, view.open, view.columns, width]);
  const current = itemIdOf(drawing.folded, view.thing);
  const thing = picture.things.find(({ id }) => id === view.thing);
  const { story, readAgain } = useStory(source, thing?.column === 'pod' ? thing : undefined);
  const open = (id: string): void => change(isGroup(id) ? { open: toggled(view.open, id) } : { thing: id });
  const close = (): void => {
    change({ thing: '' });
    focusItem(current);
  };
  useKeys({ close: thing && close, clear: () => change({ search: '' }) });
  const shown = view.isTable ? (
    <TableView picture={seen} open={open} />
  ) : (
    <PictureView drawing={drawing} current={current} open={open} resized={setWidth} />
  );
  return (
    <main>
      {seen.things.length === 0 ? <Nothing view={view} change={change} /> : shown}
      {thing !== undefined && <Details {...{ thing, picture, story, readAgain, open, close, copy }} />}
    </main>
  );
};

const toggled = (groups: readonly string[], id: string): readonly string[] => {
  const group = id.slice(id.indexOf(':') + 1);
  return groups.includes(group) ? groups.filter((one) => one !== group) : [...groups, group];
};

/** Where the keyboard was before the details opened; else where it enters the picture. */
function focusItem(id: string): void {
  const find = (selector: string) => document.querySelector<HTMLElement>(`main .scroll ${selector}`);
  (find(`[data-id="${CSS.escape(id)}"]`) ?? find('[data-id][tabindex="0"]'))?.focus();
}

const Start: FunctionComponent<{ readonly problem: string }> = ({ problem }) => (
  <main>
    <h1 class="first">Pod Identity</h1>
    <p class="first" role="status">
      {problem === '' ? 'Reading the cluster …' : problem}
    </p>
  </main>
);

const Nothing: FunctionComponent<Pick<Properties, 'view' | 'change'>> = ({ view, change }) => (
  <div class="first">
    {isFiltered(view) ? (
      <>
        <p>Nothing matches the filters.</p>
        <button type="button" onClick={() => change({ ...wholeView, isTable: view.isTable })}>
          Show all
        </button>
      </>
    ) : (
      <p>There is no AzureIdentity, no AzureIdentityBinding, and no pod that needs one.</p>
    )}
  </div>
);
