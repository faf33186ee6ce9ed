// The telling room: what a pod would be answered and why, as text for people. It decides nothing by itself: it asks the same
// functions that answer requests. It must not write anything anywhere.
import { createFindings, type Finding as AnyFinding } from '@pod-identity/kit/core';

type Topic =
  'pod' | 'label' | 'address' | 'exception' | 'binding' | 'identity' | 'record' | 'answer' | 'result';

export type Finding = AnyFinding<Topic>;

export const { ok, waiting, problem, info } = createFindings<Topic>();
