// Times of Kubernetes objects: strings in JSON, and Dates in objects of @kubernetes/client-node.

/** RFC 3339 without leap seconds, except that months are not all of the same length. The hyphen is escaped for the flag `v`. */
const timePattern: string = /* @__PURE__ */ patternOfTimes();

function patternOfTimes(): string {
  const date = '\\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])';
  const clock = '(?:[01]\\d|2[0-3]):[0-5]\\d';
  return `^${date}[Tt]${clock}:[0-5]\\d(?:\\.\\d+)?(?:[Zz]|[+\\-]${clock})$`;
}

const rfc3339 = /* @__PURE__ */ new RegExp(timePattern);

/** A string in RFC 3339 that API servers accept, with T and Z in capitals, or a valid Date of any realm. */
export function isTime(value: unknown): value is string | Date {
  const isText =
    typeof value === 'string' && rfc3339.test(value) && !/[tz]/.test(value) && isInCalendar(value);
  return (isText || isDate(value)) && !Number.isNaN(toDate(value).getTime());
}

/** Engines read the 31st of a shorter month as a day of the next one. */
function isInCalendar(time: string): boolean {
  const day = Number(time.slice(8, 10));
  return day <= 28 || toDate(`${time.slice(0, 10)}T00:00:00Z`).getUTCDate() === day;
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
