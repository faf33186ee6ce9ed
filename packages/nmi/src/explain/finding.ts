import { createFindings, type Finding as AnyFinding } from '@pod-identity/kit/core';

type Topic =
  | 'pod'
  | 'label'
  | 'address'
  | 'exception'
  | 'binding'
  | 'identity'
  | 'access'
  | 'host'
  | 'answer'
  | 'result';

export type Finding = AnyFinding<Topic>;

export const { ok, waiting, problem, info } = createFindings<Topic>();
