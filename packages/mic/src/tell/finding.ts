import { createFindings, type Finding as AnyFinding } from '@pod-identity/kit/core';

type Topic =
  | 'original'
  | 'pod'
  | 'label'
  | 'node'
  | 'binding'
  | 'namespace'
  | 'access'
  | 'identity'
  | 'permission'
  | 'host'
  | 'record'
  | 'result';

export type Finding = AnyFinding<Topic>;

export const { ok, waiting, problem, info } = createFindings<Topic>();
