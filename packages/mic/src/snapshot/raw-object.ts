// Reads single fields of pods and nodes: untrusted JSON, but always in Kubernetes' own shape.

export function memberOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[key];
}

/** The string under the key; '' if there is none, as in Kubernetes' own clients. */
export function stringAt(value: unknown, key: string): string {
  const member = memberOf(value, key);
  return typeof member === 'string' ? member : '';
}

/** The list under the key; empty if there is none. */
export function listAt(value: unknown, key: string): readonly unknown[] {
  const member = memberOf(value, key);
  return Array.isArray(member) ? member : [];
}

/** Whether a pod has run to its end. */
export function isFinished(pod: unknown): boolean {
  return ['Succeeded', 'Failed'].includes(stringAt(memberOf(pod, 'status'), 'phase'));
}

/** Milliseconds since the epoch of an RFC 3339 time; 0 if invalid. */
export function instantOf(text: string): number {
  // eslint-disable-next-line no-restricted-globals -- reads the given text, not the clock
  const instant = Date.parse(text);
  return Number.isNaN(instant) ? 0 : instant;
}
