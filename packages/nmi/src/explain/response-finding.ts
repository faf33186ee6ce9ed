import type { Finding } from '@pod-identity/policy';
import type { ExpectedResponse } from './expected-response.ts';

export function responseFinding({ selector, ifMachine, status, text, afterMs }: ExpectedResponse): Finding {
  const without = ifMachine === 'denied' ? 'not ' : '';
  const given = ifMachine === undefined ? '' : `, if the ServiceAccount may ${without}use the machine`;
  const query = `${selector === '' ? 'without selector' : selector}${given}`;
  const after = afterMs === undefined ? '' : ` after ${afterMs / 1000} s without what is missing`;
  const verdict = status === 200 ? 'ok' : afterMs === undefined ? 'problem' : 'waiting';
  return { topic: 'answer', verdict, text: `${query}: ${status}${after}, ${text}` };
}
