// In RFC 3339 as API servers accept it, but for the length of months.
const rfc3339 =
  /^(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** Of a time as text, or of a valid Date of any realm, as @kubernetes/client-node has them. */
export function dateOf(value: unknown): Date | undefined {
  const date = typeof value === 'string' ? rfc3339.exec(value)?.[1] : undefined;
  // Engines read the 31st of a shorter month as a day of the next one.
  const isInCalendar = date !== undefined && toDate(`${date}T00:00:00Z`).toJSON().startsWith(date);
  if (!isInCalendar && Object.prototype.toString.call(value) !== '[object Date]') return undefined;
  const time = toDate(value as string | Date);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

function toDate(time: string | Date): Date {
  // eslint-disable-next-line no-restricted-globals -- converts the given time, and reads no clock
  return new Date(time);
}
