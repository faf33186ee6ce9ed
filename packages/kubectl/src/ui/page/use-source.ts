// What App takes from outside: the server, time and the keyboard.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Picture, PodStory, Thing } from '../picture.ts';
import type { Source } from './connection.ts';
import { newsOf } from './news.ts';
import { fullName } from './words.ts';

export function useSource(source: Source): {
  readonly picture: Picture | undefined;
  readonly problem: string;
} {
  const [picture, setPicture] = useState<Picture>();
  const [problem, setProblem] = useState('');
  useEffect(() => source.follow({ picture: setPicture, problem: setProblem }), [source]);
  return { picture, problem };
}

/** A sentence is read to its end before the next one. */
const betweenNewsMs = 5_000;

/** Screen readers say what changed, at most every five seconds. */
export function useNews(picture: Picture | undefined): string {
  const [news, setNews] = useState('');
  const latest = useRef<Picture | undefined>(undefined);
  const reported = useRef<Picture | undefined>(undefined);
  const isDue = useRef(false);
  latest.current = picture;
  useEffect(() => {
    reported.current ??= picture;
    if (picture === reported.current || isDue.current) return;
    isDue.current = true;
    setTimeout(() => {
      isDue.current = false;
      if (reported.current && latest.current) setNews(newsOf(reported.current.things, latest.current.things));
      reported.current = latest.current;
    }, betweenNewsMs);
  }, [picture]);
  return news;
}

const messageMs = 4_000;

/** A message that goes by itself, and the function that shows one. */
export function useMessage(): readonly [string, (text: string) => void] {
  const [message, setMessage] = useState('');
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const say = (text: string): void => {
    clearTimeout(timer.current);
    setMessage(text);
    timer.current = setTimeout(() => setMessage(''), messageMs);
  };
  return [message, say];
}

type Story = PodStory | { readonly problem: string };

/** Changes in quick succession ask for one story. */
const settleMs = 1_000;

/** The story of a pod, read again when its state changes. */
export function useStory(
  source: Source,
  pod: Thing | undefined,
): { readonly story: Story | undefined; readonly readAgain: () => void } {
  const [known, setKnown] = useState<{ readonly id: string; readonly story: Story }>();
  const [turn, setTurn] = useState(0);
  const last = useRef('');
  useEffect(() => {
    if (pod === undefined) return undefined;
    const isFirst = last.current !== `${pod.id} ${turn}`;
    last.current = `${pod.id} ${turn}`;
    const unwanted = new AbortController();
    const { signal } = unwanted;
    const keep = (story: Story): void => {
      if (!signal.aborted) setKnown({ id: pod.id, story });
    };
    const timer = setTimeout(
      () =>
        void source
          .story(fullName(pod), signal)
          .then(keep, (error: unknown) =>
            keep({ problem: error instanceof Error ? error.message : String(error) }),
          ),
      // A pod that changes all the time is read when it rests.
      isFirst ? 0 : settleMs,
    );
    return () => {
      unwanted.abort();
      clearTimeout(timer);
    };
  }, [source, pod?.id, pod?.state, pod?.about, turn]);
  return {
    story: pod !== undefined && known?.id === pod.id ? known.story : undefined,
    readAgain: () => setTurn(turn + 1),
  };
}

interface Keys {
  /** Undefined: nothing is open. */
  readonly close: (() => void) | undefined;
  readonly clear: () => void;
}

/** `/` goes to the search; Escape closes the details, else it clears the search. */
export function useKeys({ close, clear }: Keys): void {
  // Before the browser draws: a key that is pressed at once must not reach the handler of what was before.
  useLayoutEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
      if (event.key === 'Escape') (close ?? clear)();
      else if (event.key === '/' && !isTyping) {
        event.preventDefault();
        document.getElementById('search')?.focus();
      }
    };
    document.addEventListener('keydown', pressed);
    return () => document.removeEventListener('keydown', pressed);
  });
}
