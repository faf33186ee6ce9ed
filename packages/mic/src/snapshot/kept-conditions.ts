// What MIC keeps in memory of its own condition. It is bounded, since it does not count in the sum of a namespace.
import { createHash } from 'node:crypto';
import type { Condition } from '@pod-identity/crd-types';

/** Between a message and what is valid in the object but probably not meant. */
export const warningMark = '. Warning: ';

/** Texts with a command fit; roles to paste, and the texts that authors can make long, do not. */
const longestMessage = 740;

const fits = (text: string) => text.length <= longestMessage;

/** The message, or if it is long a hash instead of it or of its warnings. Equal for equal messages only. */
export function keptMessage(message: string): string {
  if (fits(message)) return message;
  const end = message.indexOf(warningMark);
  const first = message.slice(0, Math.max(0, end));
  const hash = createHash('sha256').update(message).digest('hex');
  return `${fits(first) ? first : ''}${warningMark}sha256:${hash}`;
}

/** Conditions of others are written again as they are. */
export function keptConditions(conditions: readonly Condition[]): readonly Condition[] {
  return conditions.map((one) =>
    one.type === 'Ready' && !fits(one.message) ? { ...one, message: keptMessage(one.message) } : one,
  );
}
