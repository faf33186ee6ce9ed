import type { Problem, Report } from './problem.ts';
import { dateOf } from './time.ts';

/** Any JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * One object of an untrusted value, which the functions below read field by field. A missing or null field or an empty string is read as
 * undefined, as in the original; a field of the wrong type is reported and read as undefined too: definitions of 2018 check nothing. Lists
 * and maps are copies.
 */
export interface Section {
  readonly object: JsonObject;
  readonly path: string;
  readonly report: Report;
}

type Is<T> = (value: unknown) => value is T;

/** The value if it has the wanted type; other types are reported. */
function read<T>(at: Section, key: string, [wanted, is]: readonly [string, Is<T>]): T | undefined {
  const value = Object.hasOwn(at.object, key) ? at.object[key] : undefined;
  if (value === undefined || value === null || is(value)) return value ?? undefined;
  addProblem(at, key, `must be ${wanted}, not ${nameOfType(value, wanted)}`);
  return undefined;
}

export function textAt(at: Section, key: string): string | undefined {
  const text = read(at, key, ['a string (put it in quotes)', isString]);
  return text === '' ? undefined : text;
}

export function integerAt(at: Section, key: string): number | undefined {
  const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);
  return read(at, key, ['a whole number', isInteger]);
}

export function booleanAt(at: Section, key: string): boolean | undefined {
  return read(at, key, ['true or false', (value) => typeof value === 'boolean']);
}

/** A time in RFC 3339, or a Date. */
export function timeAt(at: Section, key: string): Date | undefined {
  const isTime = (value: unknown): value is unknown => value === '' || dateOf(value) !== undefined;
  return dateOf(read(at, key, ['a time such as 2026-01-31T12:00:00Z', isTime]));
}

/** Unlike `every`, findIndex stops at a hole: a copy of a list with holes could take any amount of memory. */
export function textsAt(at: Section, key: string): string[] | undefined {
  const isTexts = (value: unknown): value is string[] =>
    Array.isArray(value) && value.findIndex((item) => !isString(item)) === -1;
  const list = read(at, key, ['a list of strings', isTexts]);
  return list && [...list];
}

export function textMapAt(at: Section, key: string): Readonly<Record<string, string>> | undefined {
  const isMap = (value: unknown): value is Readonly<Record<string, string>> =>
    isJsonObject(value) && Object.values(value).every(isString);
  const map = read(at, key, ['a map of strings (put values such as true or 1 in quotes)', isMap]);
  return map && { ...map };
}

/** The object under this key; empty if missing. */
export function sectionAt(at: Section, key: string): Section {
  return {
    object: read(at, key, ['an object', isJsonObject]) ?? {},
    path: pathOf(at, key),
    report: at.report,
  };
}

/** The objects of the list under this key. */
export function sectionsAt(at: Section, key: string): readonly Section[] {
  const isObjects = (value: unknown): value is JsonObject[] =>
    Array.isArray(value) && value.findIndex((item) => !isJsonObject(item)) === -1;
  return (read(at, key, ['a list of objects', isObjects]) ?? []).map((object, index) => ({
    object,
    path: `${pathOf(at, key)}[${index}]`,
    report: at.report,
  }));
}

/** The same section, with problems as warnings. */
export function lenient(at: Section): Section {
  return { ...at, report: { problems: at.report.warnings, warnings: at.report.warnings } };
}

export function isGiven({ object }: Section, key: string): boolean {
  return Object.hasOwn(object, key) && object[key] !== null && object[key] !== undefined;
}

export function addProblem(at: Section, key: string, message: string): void {
  at.report.problems.push(problem(at, key, message));
}

export function warn(at: Section, key: string, message: string): void {
  at.report.warnings.push(problem(at, key, message));
}

function problem(at: Section, key: string, message: string): Problem {
  return { path: pathOf(at, key), message };
}

function pathOf({ path }: Section, key: string): string {
  return path === '' ? key : `${path}.${key}`;
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
