import type { Finding } from '@pod-identity/policy';
import type { ExpectedResponse } from './expected-response.ts';

export function responseFinding({ selector, status, text, afterMs }: ExpectedResponse): Finding {
  const query = selector === '' ? 'without selector' : selector;
  const after = afterMs === undefined ? '' : ` after ${afterMs / 1000} s without what is missing`;
  const verdict = status === 200 ? 'ok' : afterMs === undefined ? 'problem' : 'waiting';
  return { topic: 'answer', verdict, text: `${query}: ${status}${after}, ${text}` };
}
