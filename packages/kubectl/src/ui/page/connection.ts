// The door to the server: its stream of pictures, and stories of pods.
import type { Change, ClusterChecks, Picture, PodStory } from '../picture.ts';
import { followChanges } from './apply-changes.ts';
import { EventReader } from './events.ts';

export interface Source {
  /** Calls on each new picture, at most four times in a second, and on each problem; '' when it is over. */
  follow(listener: Listener): void;
  /** When the signal aborts, the server reads it no further. */
  story(pod: string, signal: AbortSignal): Promise<PodStory>;
  checks(): Promise<ClusterChecks>;
}

export interface Listener {
  readonly picture: (picture: Picture) => void;
  readonly problem: (text: string) => void;
}

/** As often as the server sends them. */
const betweenPicturesMs = 250;
/** Whoever starts the command again waits no longer for the page. */
const retryMs = 2_000;
const noToken = 'This page may not read from the server. Open the URL that the command has printed.';
const another =
  'Another program responds in place of the command that served this page. What is shown is old. Do not load this page again: it would come from that program. Start the command again, and open the URL that it prints.';

class Denied extends Error {}

/** `tokens`: what the page sends, and what only the server can send back, separated by a dot. */
export function connect(tokens: string): Source {
  const [token = '', proof] = tokens.split('.', 2);
  const get = async (path: string, init: RequestInit = {}) => {
    const headers = { 'x-pod-identity-token': token };
    const response = await fetch(path, { ...init, headers, cache: 'no-store' });
    if (response.status === 401) throw new Denied(noToken);
    // When the command has ended, any user of the machine can take its port and show whatever picture and remedies he likes.
    if (response.headers.get('x-pod-identity-proof') !== proof) throw new Denied(another);
    // The server says in a sentence when it can be asked again.
    if (response.status === 429) throw new Error(await response.text());
    if (!response.ok) throw new Error(`The server returned ${response.status}: ${await response.text()}`);
    return response;
  };
  return {
    follow: (listener) => void followForever(listener, () => get('/v1/picture')),
    checks: async () => (await (await get('/v1/checks')).json()) as ClusterChecks,
    story: async (pod, signal) => {
      const path = `/v1/story?pod=${encodeURIComponent(pod.toWellFormed())}`;
      return (await (await get(path, { signal })).json()) as PodStory;
    },
  };
}

async function followForever(listener: Listener, open: () => Promise<Response>): Promise<void> {
  for (;;) {
    try {
      await followOnce(await open(), listener);
    } catch (error) {
      if (error instanceof Denied) {
        listener.problem(error.message);
        return;
      }
    }
    listener.problem(
      'The command that serves this page has ended or does not respond. What is shown may be old; the page tries again by itself: do not load it again.',
    );
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}

async function followOnce({ body }: Response, listener: Listener): Promise<void> {
  if (body === null) return;
  const reader = new EventReader();
  const latest = createLatest(listener);
  const stream = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await stream.read();
    if (done) return;
    for (const { event, data } of reader.read(value)) {
      if (event === 'picture') latest.start(JSON.parse(data) as Picture);
      else if (event === 'change') latest.change(JSON.parse(data) as Change);
      else if (event === 'problem') listener.problem((JSON.parse(data) as { text: string }).text);
    }
  }
}

/** Changes that come in quick succession become one picture; drawing takes at most half of the time, so that a click is not kept waiting. */
function createLatest({ picture: show, problem }: Listener) {
  let apply: ((changes: readonly Change[]) => Picture) | undefined;
  let changes: Change[] = [];
  let isDue = false;
  let pauseMs = betweenPicturesMs;
  const flush = (): void => {
    const began = performance.now();
    isDue = false;
    const latest = apply?.(changes);
    changes = [];
    if (latest === undefined) return;
    show(latest);
    // After it is drawn.
    setTimeout(() => (pauseMs = Math.max(betweenPicturesMs, performance.now() - began)));
  };
  return {
    start(first: Picture): void {
      [apply, changes] = [followChanges(first), []];
      problem('');
      flush();
    },
    change(change: Change): void {
      changes.push(change);
      if (isDue) return;
      isDue = true;
      setTimeout(flush, pauseMs);
    },
  };
}
