import {
  flagsOf,
  valuesIn,
  type Flag,
  type FlagTable,
  type FlagValues,
  type ServiceFlags,
} from './flag-table.ts';
import { klogWhy } from './klog-flags.ts';

interface FlagSource {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface FlagProblem {
  readonly name: string;
  readonly message: string;
}

/** The parsed command line and environment. */
export interface FlagReading<V> {
  readonly values: V;
  /** Names of the flags that the command line or the environment set. */
  readonly given: ReadonlySet<string>;
  readonly positional: readonly string[];
  readonly problems: readonly FlagProblem[];
  /** Given flags that have no effect. Those of klog are one entry. */
  readonly ignored: readonly IgnoredFlag[];
}

export interface IgnoredFlag {
  readonly flag: string;
  readonly why: string;
}

interface CommandLine {
  /** All values of a flag, in order. */
  readonly texts: ReadonlyMap<Flag<unknown>, readonly string[]>;
  readonly positional: readonly string[];
  readonly problems: readonly FlagProblem[];
}

/**
 * Reads what Go's `flag` and `pflag` both accept: `-name value`, `--name=value`, `--bool`, `--bool=false`, `--` before positional
 * arguments. The command line precedes the environment, an empty variable counts as unset, the last of several values wins, lists
 * are concatenated. Returns all problems.
 */
export function readFlags<T extends FlagTable>(
  flags: ServiceFlags<T>,
  from: FlagSource,
): FlagReading<FlagValues<T>>;
export function readFlags(flags: ServiceFlags<FlagTable>, from: FlagSource): FlagReading<unknown> {
  const rows = flagsOf(flags);
  const line = readCommandLine(rows, from.argv);
  const problems = [...line.problems];
  const given = new Set<string>();
  const values = new Map<Flag<unknown>, unknown>();

  for (const flag of rows) {
    const texts = line.texts.get(flag);
    const text = textOf(flag, texts, from.env);
    if (text === undefined) continue;
    const read = readValue(flag, text);
    given.add(flag.name);
    if ('value' in read) values.set(flag, read.value);
    else problems.push({ name: flag.name, message: read.problem });
  }
  const valueOf = (flag: Flag<unknown>) => (values.has(flag) ? values.get(flag) : defaultOf(flag));
  return {
    values: valuesIn(flags.settings, valueOf),
    given,
    positional: line.positional,
    problems,
    ignored: ignoredOf(flags.dropped, given),
  };
}

function textOf(
  { type, env: variable }: Flag<unknown>,
  texts: readonly string[] | undefined,
  env: FlagSource['env'],
): string | undefined {
  if (texts) return type.kind === 'list' ? texts.join(',') : texts.at(-1);
  const text = variable === undefined ? undefined : env[variable];
  return text === '' ? undefined : text;
}

function readValue(
  { name, type }: Flag<unknown>,
  text: string,
): { readonly value: unknown } | { readonly problem: string } {
  const parsed = type.parse(text);
  if ('value' in parsed) return parsed;
  return { problem: `--${name} must be ${parsed.need}${type.isSecret ? '' : `, not "${text}"`}` };
}

function defaultOf({ name, type }: Flag<unknown>): unknown {
  if (type.default === undefined) return undefined;
  const parsed = type.parse(type.default);
  if ('need' in parsed) throw new TypeError(`the default of --${name} must be ${parsed.need}`);
  return parsed.value;
}

function ignoredOf(dropped: readonly Flag<unknown>[], given: ReadonlySet<string>): readonly IgnoredFlag[] {
  const flags = dropped.filter(({ name }) => given.has(name));
  const klog = flags.filter(({ why }) => why === klogWhy).map(({ name }) => name);
  return [
    ...flags.filter(({ why }) => why !== klogWhy).map(({ name, why = '' }) => ({ flag: name, why })),
    ...(klog.length === 0 ? [] : [{ flag: klog.join(', --'), why: klogWhy }]),
  ];
}

function readCommandLine(rows: readonly Flag<unknown>[], argv: readonly string[]): CommandLine {
  const byName = new Map(
    rows.flatMap((flag) => [flag.name, ...(flag.aliases ?? [])].map((name) => [name, flag])),
  );
  const texts = new Map<Flag<unknown>, string[]>();
  const positional: string[] = [];
  const problems: FlagProblem[] = [];
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  const words = argv.slice(0, end).values();

  for (const word of words) {
    const read = readWord(word);
    const flag = read && byName.get(read.name);
    if (!read) positional.push(word);
    else if (!flag) problems.push({ name: read.name, message: `unknown flag --${read.name}` });
    else {
      const text = read.text ?? (flag.type.kind === 'boolean' ? 'true' : words.next().value);
      if (text === undefined) problems.push({ name: flag.name, message: `--${read.name} needs a value` });
      else texts.set(flag, [...(texts.get(flag) ?? []), text]);
    }
  }
  return { texts, positional: [...positional, ...argv.slice(end + 1)], problems };
}

/** `-name` or `--name`, both optionally with `=text`; a single `-` is not a flag. */
function readWord(word: string): { readonly name: string; readonly text: string | undefined } | undefined {
  const [, name, text] = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(word) ?? [];
  return name === undefined ? undefined : { name, text };
}
