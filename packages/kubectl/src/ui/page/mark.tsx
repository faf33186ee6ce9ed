import type { FunctionComponent } from 'preact';
import type { State } from '../picture.ts';

/** A shape for each state, for those who do not see its colour: a disc, a triangle, a square, a question mark in a ring, a ring. */
const shapes: Readonly<Record<State, { readonly body: string; readonly sign?: string }>> = {
  ready: { body: 'M8 1a7 7 0 1 0 0 14a7 7 0 1 0 0-14z', sign: 'M5 8.2l2.2 2.3l4-4.6' },
  waiting: { body: 'M8 1.5L15 14.5H1z', sign: 'M8 6v4M8 12.2v.1' },
  refused: { body: 'M2 2h12v12h-12z', sign: 'M5.3 5.3l5.4 5.4M10.7 5.3l-5.4 5.4' },
  unknown: {
    body: 'M8 1a7 7 0 1 0 0 14a7 7 0 1 0 0-14z M5.8 6.2a2.2 2.2 0 1 1 3.1 2q-.9.5-.9 1.4M8 11.6v.1',
  },
  unused: { body: 'M8 3a5 5 0 1 0 0 10a5 5 0 1 0 0-10z' },
};

const MarkShape: FunctionComponent<{ readonly state: State }> = ({ state }) => {
  const { body, sign } = shapes[state];
  return (
    <>
      <path class={sign === undefined ? undefined : 'full'} d={body} />
      {sign !== undefined && <path class="sign" d={sign} />}
    </>
  );
};

/** Beside a word that says the same. */
export const Mark: FunctionComponent<{ readonly state: State }> = ({ state }) => (
  <svg class={`mark ${state}`} viewBox="0 0 16 16" aria-hidden="true">
    <MarkShape state={state} />
  </svg>
);
