import type { FlagKind, FlagProblem, FlagReading, FlagSpec } from './flag-spec.ts';
import { defaultOf, readValue, type FlagValue } from './flag-value.ts';
import { nearest } from './nearest.ts';

interface FlagSource {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

interface CommandLine {
  /** All values of a flag, in order. */
  readonly texts: ReadonlyMap<FlagSpec, readonly string[]>;
  readonly positional: readonly string[];
  readonly problems: readonly FlagProblem[];
}

/**
 * Reads what Go's `flag` and `pflag` both accept: `-name value`, `--name=value`, `--bool`, `--bool=false`, `--` before positional
 * arguments. The command line precedes the environment, an empty variable counts as unset, the last of several values wins, lists
 * are concatenated. Returns all problems.
 */
export function readFlags(specs: readonly FlagSpec[], from: FlagSource): FlagReading {
  const line = readCommandLine(specs, from.argv);
  const problems = [...line.problems];
  const warnings: string[] = [];
  const given = new Set<string>();
  const values = new Map<string, FlagValue>();

  for (const spec of specs) {
    values.set(spec.name, defaultOf(spec));
    const texts = line.texts.get(spec);
    const text = textOf(spec, texts, from.env);
    if (text === undefined) continue;
    const read = readValue(spec, text);
    const isWarning = 'problem' in read && texts === undefined && spec.isEnvShared === true;
    if (!isWarning) given.add(spec.name);
    if ('value' in read) values.set(spec.name, read.value);
    else if (isWarning)
      warnings.push(`the environment variable ${spec.env} is not used: --${spec.name} ${read.problem}`);
    else problems.push({ name: spec.name, message: `--${spec.name} ${read.problem}` });
  }
  return { ...accessors(specs, values, given), given, positional: line.positional, problems, warnings };
}

/**
 * The arguments of a command that decides as the running service does: after those of the service, so that a given flag replaces the
 * service's. Those of another command or version are left out.
 */
export function afterService(
  specs: readonly FlagSpec[],
  argv: readonly string[],
  service: readonly string[] = [],
): readonly string[] {
  if (serviceFault(specs, service) !== undefined) return argv;
  const given = readCommandLine(specs, argv).texts;
  // `readFlags` concatenates lists.
  const others = [...readCommandLine(specs, service).texts].filter(
    ([spec]) => spec.kind !== 'list' || !given.has(spec),
  );
  const words = others.flatMap(([{ name }, texts]) => texts.map((text) => `--${name}=${text}`));
  return [...words, ...argv];
}

/** Why the arguments of the service are left out, for a line to whoever started the command: it may decide otherwise than the service. */
export function serviceFault(
  specs: readonly FlagSpec[],
  service: readonly string[] | undefined,
): string | undefined {
  if (service === undefined) return `process 1 here is not the service, ${unknownFlags}`;
  const { positional, problems } = readFlags(specs, { argv: service, env: {} });
  const isUsable = positional.length === 0 && problems.length === 0 && !service.includes('--');
  return isUsable ? undefined : `process 1 has arguments of another command or version, ${unknownFlags}`;
}

const unknownFlags = 'so the flags of the service are not known: those given here and the defaults count';

function textOf(
  spec: FlagSpec,
  texts: readonly string[] | undefined,
  env: FlagSource['env'],
): string | undefined {
  if (texts) return spec.kind === 'list' ? texts.join(',') : texts.at(-1);
  const variable = spec.env === undefined ? undefined : env[spec.env];
  return variable === '' ? undefined : variable;
}

function readCommandLine(specs: readonly FlagSpec[], argv: readonly string[]): CommandLine {
  const byName = new Map(
    specs.flatMap((spec) => [spec.name, ...(spec.aliases ?? [])].map((name) => [name, spec])),
  );
  const texts = new Map<FlagSpec, string[]>();
  const positional: string[] = [];
  const problems: FlagProblem[] = [];
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  const words = argv.slice(0, end).values();

  for (const word of words) {
    const flag = readWord(word);
    const spec = flag && byName.get(flag.name);
    if (!flag) positional.push(word);
    else if (!spec) problems.push({ name: flag.name, message: unknown(flag.name, [...byName.keys()]) });
    else {
      const text = flag.text ?? (spec.kind === 'boolean' ? 'true' : words.next().value);
      if (text === undefined) problems.push({ name: spec.name, message: `--${flag.name} needs a value` });
      else texts.set(spec, [...(texts.get(spec) ?? []), text]);
    }
  }
  return { texts, positional: [...positional, ...argv.slice(end + 1)], problems };
}

/** `-name` or `--name`, both optionally with `=text`; a single `-` is not a flag. */
function readWord(word: string): { readonly name: string; readonly text: string | undefined } | undefined {
  const [, name, text] = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(word) ?? [];
  return name === undefined ? undefined : { name, text };
}

function unknown(name: string, names: readonly string[]): string {
  const likely = nearest(name, names);
  return likely === undefined
    ? `unknown flag --${name}`
    : `unknown flag --${name}; did you mean --${likely}?`;
}

function accessors(
  specs: readonly FlagSpec[],
  values: ReadonlyMap<string, FlagValue>,
  given: ReadonlySet<string>,
) {
  const kinds = new Map(specs.map((spec) => [spec.name, spec]));
  const valueOf = (name: string, kind: FlagKind) => {
    const spec = kinds.get(name);
    if (spec?.kind !== kind) throw new TypeError(`--${name} is not declared as a ${kind} flag`);
    return values.get(name) ?? defaultOf(spec);
  };
  const text = (name: string) => String(valueOf(name, 'string'));
  return {
    string: text,
    optionalString: (name: string) => {
      const value = text(name);
      return given.has(name) || kinds.get(name)?.default !== undefined ? value : undefined;
    },
    boolean: (name: string) => valueOf(name, 'boolean') === true,
    word: (name: string) => {
      const value = valueOf(name, 'boolean');
      return typeof value === 'string' ? value : undefined;
    },
    integer: (name: string) => Number(valueOf(name, 'integer')),
    number: (name: string) => Number(valueOf(name, 'number')),
    durationMs: (name: string) => Number(valueOf(name, 'duration')),
    list: (name: string) => {
      const value = valueOf(name, 'list');
      return Array.isArray(value) ? value.map(String) : [];
    },
  };
}
