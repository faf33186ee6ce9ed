import type { AccessSubject, AccessTarget } from '@pod-identity/crd-types';
import { pairKey } from '@pod-identity/policy';
import type { AccessPair } from './types.ts';

export function pairOf(subject: AccessSubject, target: AccessTarget): AccessPair {
  return { subject, target, key: pairKey(subject, target) };
}
