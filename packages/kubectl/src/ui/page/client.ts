// The door to the server: the report, and stories of pods.
import type { Report } from '../../judge/report.ts';
import type { Findings } from './text.ts';

export interface Status {
  readonly server: string;
  /** Undefined: all of them. */
  readonly namespace?: string;
  /** Where commands that the page shows go, if not to this cluster. */
  readonly clusterNote?: string;
  readonly report: Report;
}

export type Client = ReturnType<typeof connect>;

/** The page asks no more. */
export class Denied extends Error {}

/** Longer than a large cluster takes. */
const deadlineMs = 120_000;
const noToken = 'This page may not read from the server. Open the URL that the command has printed.';
const another =
  'Another program responds in place of the command that served this page. What is shown is old. Do not load this page again: it would come from that program. Start the command again, and open the URL that it prints.';
const gone =
  'The command that serves this page has ended or does not respond. What is shown may be old; the page tries again by itself: do not load it again.';

/** `tokens`: what the page sends, and what only the server can send back, separated by a dot. */
export function connect(tokens: string) {
  const [token = '', proof] = tokens.split('.', 2);
  const get = async (path: string, signals: readonly AbortSignal[] = []): Promise<Response> => {
    const headers = { 'x-pod-identity-token': token };
    const signal = AbortSignal.any([...signals, AbortSignal.timeout(deadlineMs)]);
    const response = await fetch(path, { headers, signal, cache: 'no-store' }).catch(() => {
      throw new Error(gone);
    });
    if (response.status === 401) throw new Denied(noToken);
    // When the command has ended, any user of the machine can take its port and show whatever causes and remedies he likes.
    if (response.headers.get('x-pod-identity-proof') !== proof) throw new Denied(another);
    if (!response.ok) throw new Error(await response.text());
    return response;
  };
  return {
    /** As text, which tells whether anything has changed. */
    async status() {
      const response = await get('/v1/status');
      return { text: await response.text(), readAt: response.headers.get('x-pod-identity-read-at') ?? '' };
    },
    /** What `explain` prints, the result first. When the signal aborts, the server reads it no further. */
    async story(pod: string, signal: AbortSignal) {
      const path = `/v1/story?pod=${encodeURIComponent(pod.toWellFormed())}`;
      return (await (await get(path, [signal])).json()) as Findings;
    },
  };
}
