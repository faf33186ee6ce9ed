// How the text of a flag becomes a value. Defaults are texts too, as a user would write them, and go the same way.
import { formatDuration, parseDuration } from './duration.ts';

type Parsed<T> = { readonly value: T } | { readonly need: string };

export interface FlagType<T> {
  /** As `--help` shows it; only a `boolean` needs no text. */
  readonly kind: 'string' | 'boolean' | 'integer' | 'number' | 'duration' | 'list';
  /** Undefined: the value is undefined. */
  readonly default: string | undefined;
  readonly choices?: readonly string[];
  /** The text may have a password, so no message shows it. */
  readonly isSecret?: true;
  /** The value, or what the text must be. */
  parse(text: string): Parsed<T>;
}

export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

/** Inclusive; of durations in milliseconds. */
interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

export function text(byDefault: string): FlagType<string>;
export function text(): FlagType<string | undefined>;
export function text(byDefault?: string): FlagType<string | undefined> {
  return { kind: 'string', default: byDefault, parse: (value) => ({ value }) };
}

export function oneOf<const T extends string>(
  byDefault: NoInfer<T>,
  choices: readonly [T, ...T[]],
): FlagType<T> {
  return {
    kind: 'string',
    default: byDefault,
    choices,
    parse(given) {
      const value = choices.find((choice) => choice === given);
      return value === undefined ? { need: `one of ${choices.join(', ')}` } : { value };
    },
  };
}

/** Empty, or a URL with http or https. */
export function url(): FlagType<string> {
  const isUrl = (given: string) => /^https?:$/.test(URL.parse(given)?.protocol ?? '');
  return {
    kind: 'string',
    default: '',
    isSecret: true,
    parse: (value) => (value === '' || isUrl(value) ? { value } : { need: 'a URL with http or https' }),
  };
}

/** NAMESPACE/NAME. With a default, empty means none. */
export function objectName(byDefault?: string): FlagType<ObjectName | undefined> {
  return {
    kind: 'string',
    default: byDefault,
    parse(given) {
      const [, namespace, name] = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(given) ?? [];
      if (namespace !== undefined && name !== undefined) return { value: { namespace, name } };
      if (byDefault === undefined) return { need: 'NAMESPACE/NAME' };
      return given === '' ? { value: undefined } : { need: 'NAMESPACE/NAME or empty' };
    },
  };
}

/** As in Go's flag package. */
const truths: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map((word) => [word, true] as const),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map((word) => [word, false] as const),
]);

/** True or false, or the word, as in `--name=word`. */
export function truth<const W extends string = never>(byDefault: boolean, word?: W): FlagType<boolean | W> {
  const need = word === undefined ? 'true or false' : `true, false or ${word}`;
  return {
    kind: 'boolean',
    default: String(byDefault),
    parse(given) {
      if (word !== undefined && given === word) return { value: word };
      const value = truths.get(given);
      return value === undefined ? { need } : { value };
    },
  };
}

export function integer(byDefault: number, bounds: Bounds = {}): FlagType<number> {
  const read = (given: string) => (/^[+-]?\d+$/.test(given) ? Number(given) : undefined);
  return bounded({ kind: 'integer', default: String(byDefault), read, need: 'a whole number' }, bounds);
}

export function number(byDefault: number, bounds: Bounds = {}): FlagType<number> {
  const read = (given: string) =>
    /\d/.test(given) && Number.isFinite(Number(given)) ? Number(given) : undefined;
  return bounded({ kind: 'number', default: String(byDefault), read, need: 'a number' }, bounds);
}

/** In milliseconds. */
export function duration(byDefault: string, bounds: Bounds = {}): FlagType<number> {
  const need = 'a duration such as 30s or 1m30s';
  return bounded({ kind: 'duration', default: byDefault, read: parseDuration, need }, bounds);
}

interface Numeric extends Pick<FlagType<number>, 'kind' | 'default'> {
  readonly need: string;
  readonly read: (text: string) => number | undefined;
}

function bounded({ read, need, ...type }: Numeric, bounds: Bounds): FlagType<number> {
  const { min = -Infinity, max = Infinity } = bounds;
  const shown = (bound: number) => (type.kind === 'duration' ? formatDuration(bound) : `${bound}`);
  return {
    ...type,
    parse(given) {
      const value = read(given);
      if (value === undefined) return { need };
      if (value < min) return { need: `at least ${shown(min)}` };
      return value > max ? { need: `at most ${shown(max)}` } : { value };
    },
  };
}

/** Separated by commas. */
export function list(byDefault: readonly string[] = []): FlagType<readonly string[]> {
  return { kind: 'list', default: byDefault.join(','), parse: (given) => ({ value: itemsOf(given) }) };
}

/** A list of some of the choices. */
export function someOf<const T extends string>(
  byDefault: readonly NoInfer<T>[],
  choices: readonly T[],
): FlagType<readonly T[]> {
  return {
    kind: 'list',
    default: byDefault.join(','),
    choices,
    parse(given) {
      const known = itemsOf(given).map((item) => choices.find((choice) => choice === item));
      const value = known.filter((item) => item !== undefined);
      return value.length === known.length ? { value } : { need: `some of ${choices.join(', ')}` };
    },
  };
}

function itemsOf(given: string): readonly string[] {
  return given
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** A type that accepts the same texts and maps their values. */
export function mapped<T, U>(type: FlagType<T>, map: (value: T) => U): FlagType<U> {
  return {
    ...type,
    parse(given) {
      const parsed = type.parse(given);
      return 'need' in parsed ? parsed : { value: map(parsed.value) };
    },
  };
}
