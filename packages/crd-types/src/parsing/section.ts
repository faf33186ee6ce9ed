import type { Problem, Report } from './problem.ts';
import { isDate, isTime, toDate, toText } from './time.ts';

/** Any JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Reads one object of an untrusted value field by field. A missing or null field or an empty string is read as undefined, as in the
 * original; a field of the wrong type is reported and read as undefined too. Lists and maps are copies, so that neither the caller nor
 * the readers of the result can change what the other has.
 */
export interface Section {
  string(key: string): string | undefined;
  integer(key: string): number | undefined;
  boolean(key: string): boolean | undefined;
  /** A time in RFC 3339, or a Date. */
  time(key: string): Date | undefined;
  /** A time that stays a string. */
  timeText(key: string): string | undefined;
  strings(key: string): string[] | undefined;
  stringMap(key: string): Readonly<Record<string, string>> | undefined;
  /** The object under this key; empty if missing. */
  section(key: string): Section;
  /** The same, with problems inside as warnings. */
  leniently(key: string): Section;
  /** The objects of the list under this key. */
  sections(key: string): readonly Section[];
  has(key: string): boolean;
  /** All keys, known or not. */
  keys(): readonly string[];
  problem(key: string, message: string): void;
  warn(key: string, message: string): void;
}

export function createSection(object: JsonObject, path: string, report: Report): Section {
  const pathOf = (key: string) => (path === '' ? key : `${path}.${key}`);
  const add = (list: Problem[], key: string, message: string) => list.push({ path: pathOf(key), message });
  const problem = (key: string, message: string) => void add(report.problems, key, message);

  /** The value if it has the wanted type; other types are reported. */
  function read<T>(key: string, wanted: string, is: (value: unknown) => value is T): T | undefined {
    const value = Object.hasOwn(object, key) ? object[key] : undefined;
    if (value === undefined || value === null || is(value)) return value ?? undefined;
    problem(key, `must be ${wanted}, not ${nameOfType(value, wanted)}`);
    return undefined;
  }

  function string(key: string): string | undefined {
    const text = read(key, 'a string (put it in quotes)', isString);
    return text === '' ? undefined : text;
  }

  return {
    string,
    integer: (key) => read(key, 'a whole number', isInteger),
    boolean: (key) => read(key, 'true or false', isBoolean),
    time: (key) => {
      const time = read(key, 'a time such as 2026-01-31T12:00:00Z', isTimeOrEmpty);
      return time === undefined || time === '' ? undefined : toDate(time);
    },
    timeText: (key) => (isDate(object[key]) ? toText(object[key]) : string(key)),
    strings: (key) => {
      const list = read(key, 'a list of strings', isStrings);
      return list && [...list];
    },
    stringMap: (key) => {
      const map = read(key, 'a map of strings (put values such as true or 1 in quotes)', isStringMap);
      return map && { ...map };
    },
    section: (key) => createSection(read(key, 'an object', isJsonObject) ?? {}, pathOf(key), report),
    leniently: (key) => createSection(object, path, lenient(report)).section(key),
    sections: (key) =>
      (read(key, 'a list of objects', isJsonObjects) ?? []).map((item, index) =>
        createSection(item, `${pathOf(key)}[${index}]`, report),
      ),
    has: (key) => Object.hasOwn(object, key) && object[key] !== null && object[key] !== undefined,
    keys: () => Object.keys(object),
    problem,
    warn: (key, message) => void add(report.warnings, key, message),
  };
}

function lenient(report: Report): Report {
  return { problems: report.warnings, warnings: report.warnings };
}

/** The object without the fields that are undefined, for types whose optional fields are absent or set. */
export function defined<const T extends object>(fields: T): Defined<T> {
  // The filter matches Defined; TypeScript cannot infer it through Object.entries.
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function isTimeOrEmpty(value: unknown): value is string | Date {
  return value === '' || isTime(value);
}

function isStrings(value: unknown): value is string[] {
  return isListOf(value, isString);
}

/** Unlike `every`, findIndex stops at a hole: a copy of a list with holes could take any amount of memory. */
function isListOf(value: unknown, is: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.findIndex((item) => !is(item)) === -1;
}

function isStringMap(value: unknown): value is Readonly<Record<string, string>> {
  return isJsonObject(value) && Object.values(value).every(isString);
}

function isJsonObjects(value: unknown): value is readonly JsonObject[] {
  return isListOf(value, isJsonObject);
}

function nameOfType(value: unknown, wanted: string): string {
  if (typeof value === 'string' && wanted.startsWith('a time')) return 'another text';
  if (Array.isArray(value))
    return wanted.startsWith('a list') ? 'a list with something else in it' : 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** For parameters that are strings to TypeScript: callers in JavaScript may pass anything. */
export function textOf(given: unknown): string {
  return typeof given === 'string' ? given : '';
}
