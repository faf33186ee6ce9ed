import { accessTargetKey, type AccessSubject, type AccessTarget } from '@pod-identity/crd-types';
import type { AccessPair } from './types.ts';

export function pairOf(subject: AccessSubject, target: AccessTarget): AccessPair {
  return { subject, target, key: `${subject.name} ${accessTargetKey(target)}` };
}
