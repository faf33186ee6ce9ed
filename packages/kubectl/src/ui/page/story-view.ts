// The story of the chosen pod, beside the table.
import type { PodRow } from '../../judge/report.ts';
import type { Client } from './client.ts';
import { button, make, mark, remedyView } from './elements.ts';
import { chainOf, messageOf, partsOf, type Findings } from './text.ts';

export function createStoryView(client: Client, close: () => void) {
  let [shown, shownPod] = ['', ''];
  let [reading, body] = [new AbortController(), make('div')];
  const aside = make('aside', { 'aria-labelledby': 'story', hidden: '' });
  const read = async (pod: string): Promise<void> => {
    reading.abort();
    reading = new AbortController();
    const { signal } = reading;
    const parts = await client.story(pod, signal).then(storyParts, complaint);
    if (!signal.aborted) body.replaceChildren(...parts);
  };
  return {
    element: aside,
    /** Reads it again when its row has changed. `row` is undefined: the pod is gone, or none is chosen. */
    show(pod: string, row: PodRow | undefined): void {
      const content = JSON.stringify([pod, row]);
      if (content === shown) return;
      // What is shown of the same pod stays until its new story is there.
      const isSame = pod === shownPod;
      if (!isSame)
        body = make('div', { class: 'story' }, make('p', { class: 'soft' }, 'Reading its story …'));
      [shown, shownPod] = [content, pod];
      aside.hidden = pod === '';
      if (pod === '') {
        reading.abort();
        return;
      }
      const heading = make('h2', { id: 'story', tabindex: '-1' }, `Pod ${pod}`);
      aside.replaceChildren(
        make('div', { class: 'top' }, heading, button('Close', close)),
        row === undefined
          ? make('p', {}, 'It is not in the list any more.')
          : make('p', { class: 'chain' }, mark(row.state), ` ${chainOf(row)}`),
        body,
        button('Read again', () => void read(pod)),
      );
      if (!isSame) heading.focus({ preventScroll: true });
      void read(pod);
    },
  };
}

const complaint = (error: unknown) => [make('p', { role: 'alert' }, messageOf(error))];

function storyParts(findings: Findings): readonly HTMLElement[] {
  const { faults, remedies, rest } = partsOf(findings);
  return [steps(faults), ...remedies.map(remedyView), steps(rest)];
}

const steps = (findings: Findings): HTMLElement =>
  make(
    'ul',
    {},
    ...findings.map(({ topic, verdict, text }) =>
      make(
        'li',
        { class: verdict },
        make('span', { class: 'hidden' }, `${verdict}: `),
        make('strong', {}, topic),
        ` ${text}`,
      ),
    ),
  );
