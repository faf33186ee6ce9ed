import { isMet, selectorLimits, type LabelRequirement, type LabelSelector } from './label-selector.ts';

/**
 * The key of a label whose conditions no value meets together, nor its absence: then the selector selects nothing. Undefined if some
 * labels meet the selector, or if it exceeds the limits and is refused anyway: the search takes the square of its size.
 */
export function contradictionIn({
  matchLabels = {},
  matchExpressions = [],
}: LabelSelector): string | undefined {
  const conditions = [
    ...Object.entries(matchLabels).map(([key, value]) => equals(key, value)),
    ...matchExpressions,
  ];
  if (isOverLimits(conditions)) return undefined;
  return conditions
    .map(({ key }) => key)
    .find((key) => !isPossible(conditions.filter((one) => one.key === key)));
}

/** One condition more is for the selector of a binding. */
function isOverLimits(conditions: readonly LabelRequirement[]): boolean {
  const { labels, expressions, values: mostValues } = selectorLimits;
  return (
    conditions.length > labels + expressions + 1 ||
    conditions.some(({ values = [] }) => values.length > mostValues)
  );
}

/** The condition that a label has this value. */
export function equals(key: string, value: string): LabelRequirement {
  return { key, operator: 'In', values: [value] };
}

/** No label can have this value. It is tried for all values that the conditions do not name. */
const anotherValue = '\0';

/** All conditions are on the same label. */
function isPossible(conditions: readonly LabelRequirement[]): boolean {
  const named = conditions.flatMap(({ values = [] }) => values);
  return [undefined, anotherValue, ...named].some((value) =>
    conditions.every((condition) => isMet(condition, value)),
  );
}
