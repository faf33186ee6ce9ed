import { expect, it } from 'vitest';
import { subjectOf } from '../../test/builders.ts';
import type { Decision } from '../authorize/types.ts';
import { keyOfDecision } from './permit.ts';

it('what a decision names is written once, however many requests wait for it', () => {
  let written = 0;
  const identity = { ...subjectOf('reader'), toJSON: () => `written ${(written += 1)}` };
  const decision = { kind: 'allow-by-object-id', identities: [identity] } as unknown as Decision;
  const names = Array.from({ length: 500 }, () => keyOfDecision(decision));
  expect([new Set(names).size, written]).toEqual([1, 1]);
});
