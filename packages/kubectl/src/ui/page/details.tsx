import type { FunctionComponent } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Picture, PodStory, Thing } from '../picture.ts';
import { graphOf, reached } from './graph.ts';
import { Mark } from './mark.tsx';
import { StoryView } from './story-view.tsx';
import { cleanText, columns, columnTitles, compareNames, fullName, kindOf } from './words.ts';

interface Properties {
  readonly thing: Thing;
  readonly picture: Pick<Picture, 'things' | 'lines'>;
  /** Of a pod: undefined while it is read. */
  readonly story: PodStory | { readonly problem: string } | undefined;
  readonly readAgain: () => void;
  readonly open: (id: string) => void;
  readonly close: () => void;
  readonly copy: (text: string) => void;
}

/** Beside the picture, and over it in a narrow window. */
export const Details: FunctionComponent<Properties> = (properties) => {
  const { thing, picture, story, readAgain, open, close, copy } = properties;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), [thing.id]);
  return (
    <aside aria-labelledby="details">
      <div class="top">
        <h2 id="details" tabIndex={-1} ref={heading}>
          {kindOf(thing)} <bdi>{cleanText(fullName(thing))}</bdi>
        </h2>
        <button type="button" onClick={close}>
          Close
        </button>
      </div>
      <p>
        <Mark state={thing.state} />
        {thing.state}
        {thing.type !== undefined && `, ${thing.type}`}
      </p>
      {thing.about !== '' && <p dir="auto">{cleanText(thing.about)}</p>}
      {thing.column === 'pod' && <StoryView story={story} readAgain={readAgain} copy={copy} />}
      <Way thing={thing} picture={picture} open={open} />
    </aside>
  );
};

const most = 30;

const Way: FunctionComponent<Pick<Properties, 'thing' | 'picture' | 'open'>> = ({ thing, picture, open }) => {
  const { after, before } = graphOf(picture.lines);
  const way = new Set([...reached(before, [thing.id]), ...reached(after, [thing.id])]);
  way.delete(thing.id);
  const things = picture.things.filter(({ id }) => way.has(id));
  return columns.map((column) => {
    const own = things
      .filter((one) => one.column === column)
      .toSorted((a, b) => compareNames(a.name, b.name));
    return (
      own.length > 0 && (
        <section key={column}>
          <h3>{columnTitles[column]}</h3>
          <ul>
            {own.slice(0, most).map((one) => (
              <li key={one.id}>
                <button type="button" class="link" onClick={() => open(one.id)}>
                  <Mark state={one.state} />
                  <bdi>{cleanText(fullName(one))}</bdi>
                  <span class="hidden">, {one.state}</span>
                </button>
              </li>
            ))}
          </ul>
          {own.length > most && <p class="soft">and {own.length - most} more</p>}
        </section>
      )
    );
  });
};
