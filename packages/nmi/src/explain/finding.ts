// The telling room: what a pod would be answered and why, as text for people. It decides nothing by itself: it asks the same
// functions that answer requests. It must not write anything anywhere.
export type Topic =
  'pod' | 'label' | 'address' | 'exception' | 'binding' | 'identity' | 'record' | 'answer' | 'result';

/** `ok`: as it should be. `waiting`: will be, without anybody's help. `problem`: needs somebody. `info`: neither. */
export type Verdict = 'ok' | 'waiting' | 'problem' | 'info';

export interface Remedy {
  readonly text: string;
  /** To be pasted into a shell. */
  readonly command?: string;
}

/** One thing that was looked at. */
export interface Finding {
  readonly topic: Topic;
  readonly verdict: Verdict;
  readonly text: string;
  readonly remedy?: Remedy;
}

export function ok(topic: Topic, text: string): Finding {
  return { topic, verdict: 'ok', text };
}

export function waiting(topic: Topic, text: string, remedy?: Remedy): Finding {
  return { topic, verdict: 'waiting', text, ...(remedy !== undefined && { remedy }) };
}

export function problem(topic: Topic, text: string, remedy?: Remedy): Finding {
  return { topic, verdict: 'problem', text, ...(remedy !== undefined && { remedy }) };
}

export function info(topic: Topic, text: string): Finding {
  return { topic, verdict: 'info', text };
}
