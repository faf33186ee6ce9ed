// Times of Kubernetes objects: strings in JSON, and Dates in objects of @kubernetes/client-node.

/** RFC 3339. The hyphen is escaped for the flag `v`. */
export const timePattern =
  '^\\d{4}-\\d{2}-\\d{2}[Tt]\\d{2}:\\d{2}:\\d{2}(?:\\.\\d+)?(?:[Zz]|[+\\-]\\d{2}:\\d{2})$';
const rfc3339 = /* @__PURE__ */ new RegExp(timePattern);

/** A string in RFC 3339, or a valid Date of any realm. */
export function isTime(value: unknown): value is string | Date {
  const isText = typeof value === 'string' && rfc3339.test(value);
  return (isText || isDate(value)) && !Number.isNaN(toDate(value).getTime());
}

export function toDate(time: string | Date): Date {
  // eslint-disable-next-line no-restricted-globals -- converts the given time, and reads no clock
  return new Date(time);
}

/** In RFC 3339; undefined for an invalid Date. */
export function toText(time: Date): string | undefined {
  return isTime(time) ? toDate(time).toISOString() : undefined;
}

export function isDate(value: unknown): value is Date {
  return Object.prototype.toString.call(value) === '[object Date]';
}
