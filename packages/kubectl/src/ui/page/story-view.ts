// The story of the chosen pod, beside the table.
import type { PodRow } from '../../judge/report.ts';
import type { PodStory } from '../story.ts';
import type { Client } from './client.ts';
import { button, make, mark, remedyView } from './elements.ts';
import { chainOf, tell } from './text.ts';

export interface StoryView {
  /** Reads it again when its row has changed; undefined: the pod is gone, or none is chosen. */
  show(pod: string, row: PodRow | undefined): void;
}

export function createStoryView(aside: HTMLElement, client: Client, close: () => void): StoryView {
  let shown = '';
  let reading = new AbortController();
  const read = (pod: string, body: HTMLElement): void => {
    reading.abort();
    reading = new AbortController();
    const { signal } = reading;
    if (!body.hasChildNodes()) body.append(make('p', { class: 'soft' }, 'Reading its story …'));
    client.story(pod, signal).then(
      (story) => signal.aborted || body.replaceChildren(...storyParts(story)),
      (error: unknown) =>
        signal.aborted ||
        body.replaceChildren(
          make('p', { role: 'alert' }, error instanceof Error ? error.message : String(error)),
        ),
    );
  };
  return {
    show(pod, row) {
      const content = JSON.stringify([pod, row]);
      if (content === shown) return;
      shown = content;
      aside.hidden = pod === '';
      if (pod === '') return reading.abort();
      const isSame = aside.dataset['pod'] === pod;
      aside.dataset['pod'] = pod;
      // What is shown of the same pod stays until its new story is there.
      const body = (isSame && aside.querySelector<HTMLElement>('.story')) || make('div', { class: 'story' });
      const heading = make('h2', { id: 'story', tabindex: '-1' }, `Pod ${pod}`);
      aside.replaceChildren(
        make('div', { class: 'top' }, heading, button('Close', close)),
        ...(row === undefined
          ? [make('p', {}, 'It is not in the list any more.')]
          : [make('p', {}, mark(row.state)), make('p', { class: 'chain' }, chainOf(row))]),
        body,
        button('Read again', () => read(pod, body)),
      );
      if (!isSame) heading.focus({ preventScroll: true });
      read(pod, body);
    },
  };
}

function storyParts({ findings, events, tokens, unknown }: PodStory): readonly HTMLElement[] {
  const { faults, remedies, rest } = tell(findings);
  const steps = (own: typeof faults) =>
    make(
      'ol',
      {},
      ...own.map(({ topic, verdict, text, quote }) =>
        make(
          'li',
          { class: verdict },
          make('span', { class: 'hidden' }, `${verdict}: `),
          make('strong', {}, topic),
          ` ${text}`,
          quote === undefined || quote === '' ? undefined : make('blockquote', {}, `Azure said: ${quote}`),
        ),
      ),
    );
  const times = events.map(({ time, reason, message, count }) => ({
    time,
    text: `${reason}: ${message}${count > 1 ? ` (${count} times)` : ''}`,
  }));
  return [
    steps(faults),
    ...remedies.map(remedyView),
    ...(rest.length > 0 ? [steps(rest)] : []),
    ...listed('Events', times.map(timeText)),
    ...listed('Latest tokens', tokens.map(timeText)),
    ...listed('Not known', unknown),
  ];
}

const timeText = ({ time, text }: { readonly time: string; readonly text: string }) =>
  `${time.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')} ${text}`;

const listed = (title: string, lines: readonly string[]): readonly HTMLElement[] =>
  lines.length === 0
    ? []
    : [make('h3', {}, title), make('ul', {}, ...lines.map((line) => make('li', {}, line)))];
