import type { FieldRule } from './field-rule.ts';

/** An open object or list that the sieve reads member by member. */
export interface Frame {
  readonly rule: FieldRule;
  readonly isList: boolean;
  /** Start of its text, to remove it again. */
  readonly start: number;
  count: number;
  misspelt: number;
  compared: number;
  /** Has more unknown names than are compared. */
  isCrowded: boolean;
  /** Of the member that is being read. */
  name: string;
}

/** Of one object, whose author can write any number: mostly one is enough to refuse it. */
const mostMisspelt = 8;
/**
 * Names of one object that are decoded, or compared with the wanted ones to find misspelt ones: either takes a microsecond. An object with
 * further unknown ones is reported, since one of them may be misspelt.
 */
export const mostCompared = 1_000;

export function openFrame(rule: FieldRule, isList: boolean, start: number): Frame {
  return { rule, isList, start, count: 0, misspelt: 0, compared: 0, isCrowded: false, name: '' };
}

/** Whether names that are not wanted are compared with the wanted ones. */
export function isCompared({ rule, misspelt, compared }: Frame): boolean {
  return rule.isMisspelt !== undefined && misspelt < mostMisspelt && compared < mostCompared;
}

/** How many unknown names of this object are compared with fields, for the message that it has more. */
export function lookedAt({ misspelt }: Frame): number {
  return misspelt < mostMisspelt ? mostCompared : mostMisspelt;
}

/** Of the member that is being read in the last frame, within its item of a list. */
export function pathOf(frames: readonly Frame[]): string {
  const first = frames.findLastIndex(({ isList }) => isList) + 1;
  return frames
    .slice(first)
    .map(({ name }) => name)
    .join('.');
}
