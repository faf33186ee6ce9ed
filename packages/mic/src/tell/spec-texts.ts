// Problems and warnings of users' objects as texts of bounded length, for conditions.
import {
  problemTexts,
  warningTexts,
  type AzureIdentity,
  type AzureIdentityBinding,
  type Problem,
} from '@pod-identity/crd-types';
import { warningMark } from '../snapshot/kept-conditions.ts';

export function listProblems(problems: readonly Problem[]): string {
  return problemTexts(problems).join('; ');
}

/** The message, and what is valid in the object but probably not meant. */
export function addWarnings(message: string, object: AzureIdentity | AzureIdentityBinding): string {
  const warnings = warningTexts(object);
  return warnings.length === 0 ? message : `${message}${warningMark}${warnings.join('; ')}`;
}

/** The message without what `addWarnings` added. */
export function removeWarnings(message: string): string {
  const end = message.indexOf(warningMark);
  return end === -1 ? message : message.slice(0, end);
}

/** In characters, and in bytes of JSON: editors write the names in these texts, which are written into their objects. */
const longestMessage = 4_000;
const mostBytes = 8_000;

/**
 * Shortens a message, since authors of objects can make it long. MIC keeps no conditions of more than 16 KiB (`trims.ts`): it would
 * write such ones again and again.
 */
export function boundMessage(message: string): string {
  if (isShort(message)) return message;
  let kept = message.slice(0, longestMessage);
  while (!isShort(kept)) kept = kept.slice(0, kept.length / 2);
  // Half of a pair of surrogates would come back as another character.
  return `${kept.toWellFormed()}...`;
}

/** Control characters take six bytes of JSON each. */
function isShort(message: string): boolean {
  return message.length <= longestMessage && Buffer.byteLength(JSON.stringify(message)) <= mostBytes;
}
