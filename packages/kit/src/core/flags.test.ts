import { describe, expect, test } from 'vitest';
import { flagHelp } from './flag-docs.ts';
import { droppedFlag, keptFlag, type FlagTable, type ServiceFlags } from './flag-table.ts';
import {
  duration,
  integer,
  list,
  mapped,
  number,
  objectName,
  oneOf,
  someOf,
  text,
  truth,
} from './flag-type.ts';
import { readFlags } from './flags.ts';

const only = <T extends FlagTable>(settings: T): ServiceFlags<T> => ({ settings, dropped: [] });
const specs = only({
  node: keptFlag('node', text(), { help: 'Our node.', env: 'NODE' }),
  verbosity: keptFlag('v', integer(0, { min: 0, max: 10 }), { help: 'Verbosity.' }),
  forceNamespaced: keptFlag('forceNamespaced', truth(false), {
    help: 'Only within a namespace.',
    env: 'FORCENAMESPACED',
  }),
  compat: keptFlag('compat', truth(false, 'status'), { help: 'As before.' }),
  ratio: keptFlag('ratio', number(0.5, { max: 1 }), { help: 'A share.' }),
  interval: keptFlag('interval', duration('1m30s', { min: 1000 }), {
    help: 'How often.',
    aliases: ['period'],
  }),
  immutable: keptFlag('immutable', list(), { help: 'Never touched.', env: 'IMMUTABLE' }),
  log: { format: keptFlag('log-format', oneOf('text', ['text', 'json']), { help: 'Log lines.' }) },
});
const read = (argv: string[], env: Record<string, string> = {}) => readFlags(specs, { argv, env });

describe('flags', () => {
  test('flags that are not given have their defaults', () => {
    const flags = read([]);
    expect(flags.problems).toEqual([]);
    expect(flags.given.size).toBe(0);
    expect(flags.values).toEqual({
      node: undefined,
      verbosity: 0,
      forceNamespaced: false,
      compat: false,
      ratio: 0.5,
      interval: 90_000,
      immutable: [],
      log: { format: 'text' },
    });
  });

  test.each([
    [['-node', 'n1'], 'n1'],
    [['--node', 'n1'], 'n1'],
    [['-node=n1'], 'n1'],
    [['--node=n1'], 'n1'],
    [['--node=a=b'], 'a=b'],
    [['--node='], ''],
    [['--node', 'n1', '--node', 'n2'], 'n2'],
    [['--node', '--v'], '--v'],
  ])('%j sets a text', (argv, value) => {
    const flags = read(argv);
    expect(flags.problems).toEqual([]);
    expect(flags.values.node).toBe(value);
    expect([...flags.given]).toEqual(['node']);
  });

  test.each([
    [['--forceNamespaced'], true],
    [['-forceNamespaced=true'], true],
    [['--forceNamespaced=T'], true],
    [['--forceNamespaced=1'], true],
    [['--forceNamespaced=false'], false],
    [['--forceNamespaced=0'], false],
    [['--forceNamespaced', '--forceNamespaced=F'], false],
  ])('%j sets a boolean', (argv, value) => {
    const flags = read(argv);
    expect(flags.problems).toEqual([]);
    expect(flags.values.forceNamespaced).toBe(value);
  });

  test('a boolean does not consume the next word, other kinds do', () => {
    const flags = read([
      '--forceNamespaced',
      'false',
      '-v',
      '4',
      '--interval',
      '1m30s',
      '--ratio=-0.25',
      '-',
    ]);
    expect(flags.problems).toEqual([]);
    expect(flags.values.forceNamespaced).toBe(true);
    expect(flags.positional).toEqual(['false', '-']);
    expect([flags.values.verbosity, flags.values.interval, flags.values.ratio]).toEqual([4, 90_000, -0.25]);
  });

  test.each<[string[], boolean | 'status']>([
    [[], false],
    [['--compat'], true],
    [['--compat', 'status'], true],
    [['--compat=1'], true],
    [['--compat=false'], false],
    [['--compat=status'], 'status'],
    [['--compat=status', '--compat'], true],
  ])('%j sets a boolean that may be a word as well', (argv, value) => {
    const flags = read(argv);
    expect([flags.problems, flags.values.compat]).toEqual([[], value]);
  });

  test('a boolean accepts only its own words', () => {
    expect(read(['--compat=state', '--forceNamespaced=constructor']).problems).toEqual([
      { name: 'forceNamespaced', message: '--forceNamespaced must be true or false, not "constructor"' },
      { name: 'compat', message: '--compat must be true, false or status, not "state"' },
    ]);
  });

  test('an alias counts as the flag', () => {
    const flags = read(['--period=2s']);
    expect(flags.values.interval).toBe(2000);
    expect([...flags.given]).toEqual(['interval']);
  });

  test('words after -- are positional', () => {
    expect(read(['a', '--', '--v', '9']).positional).toEqual(['a', '--v', '9']);
  });

  test('lists on the command line are concatenated and replace the environment', () => {
    const env = { IMMUTABLE: 'x, y,,' };
    expect(read([], env).values.immutable).toEqual(['x', 'y']);
    expect(read(['--immutable', 'a,b', '--immutable=c'], env).values.immutable).toEqual(['a', 'b', 'c']);
  });

  test('the environment is used for a flag that is not given; an empty variable counts as unset', () => {
    expect(read([], { NODE: 'env' }).values.node).toBe('env');
    expect(read(['--node=flag'], { NODE: 'env' }).values.node).toBe('flag');
    expect(read([], { NODE: '' }).values.node).toBeUndefined();
    expect(read([], { FORCENAMESPACED: 'true' }).values.forceNamespaced).toBe(true);
  });

  test('all problems are returned at once, with the accepted values', () => {
    const argv = [
      '--nod',
      'x',
      '-v',
      '11',
      '--ratio=big',
      '--interval',
      '10ms',
      '--log-format=xml',
      '--zzz',
      '--node',
    ];
    const flags = read(argv, { FORCENAMESPACED: 'perhaps' });
    expect(flags.problems).toEqual([
      { name: 'nod', message: 'unknown flag --nod' },
      { name: 'zzz', message: 'unknown flag --zzz' },
      { name: 'node', message: '--node needs a value' },
      { name: 'v', message: '--v must be at most 10, not "11"' },
      { name: 'forceNamespaced', message: '--forceNamespaced must be true or false, not "perhaps"' },
      { name: 'ratio', message: '--ratio must be a number, not "big"' },
      { name: 'interval', message: '--interval must be at least 1s, not "10ms"' },
      { name: 'log-format', message: '--log-format must be one of text, json, not "xml"' },
    ]);
    expect(flags.values.verbosity).toBe(0);
  });

  test.each([
    [['-v', '1.5'], 'a whole number'],
    [['-v', ''], 'a whole number'],
    [['--ratio', ''], 'a number'],
    [['--interval', '5'], 'a duration'],
    [['-v=-1'], 'at least 0'],
  ])('%j is refused', (argv, need) => {
    expect(read(argv).problems.map(({ message }) => message)).toEqual([expect.stringContaining(need)]);
  });

  const named = only({
    pods: keptFlag('pods', objectName(), { help: '' }),
    lock: keptFlag('lock', objectName('a/lock'), { help: '' }),
    parts: keptFlag('parts', someOf(['a'], ['a', 'b']), { help: '' }),
    bytes: keptFlag(
      'kib',
      mapped(integer(2), (kib) => kib * 1024),
      { help: '' },
    ),
  });

  test('an object has a namespace and a name; empty means none where there is a default', () => {
    const lock = { namespace: 'a', name: 'lock' };
    expect(readFlags(named, { argv: [], env: {} }).values).toMatchObject({ pods: undefined, lock });
    const { values } = readFlags(named, { argv: ['--pods=x/y.z', '--lock='], env: {} });
    expect(values).toMatchObject({ pods: { namespace: 'x', name: 'y.z' }, lock: undefined });
    expect(readFlags(named, { argv: ['--pods=', '--lock=b'], env: {} }).problems).toEqual([
      { name: 'pods', message: '--pods must be NAMESPACE/NAME, not ""' },
      { name: 'lock', message: '--lock must be NAMESPACE/NAME or empty, not "b"' },
    ]);
  });

  test('a list of choices has only choices', () => {
    expect(readFlags(named, { argv: ['--parts=b, a'], env: {} }).values.parts).toEqual(['b', 'a']);
    expect(readFlags(named, { argv: ['--parts=b,c'], env: {} }).problems).toEqual([
      { name: 'parts', message: '--parts must be some of a, b, not "b,c"' },
    ]);
  });

  test('a value can be in another unit than its text, the default included', () => {
    const bytesOf = (...argv: string[]) => readFlags(named, { argv, env: {} }).values.bytes;
    expect([bytesOf(), bytesOf('--kib=3')]).toEqual([2048, 3072]);
  });

  test('dropped flags are read, and listed as ignored if they are given', () => {
    const flags = { ...specs, dropped: [droppedFlag('retries', integer(4), 'see --hold')] };
    const { ignored, problems } = readFlags(flags, { argv: ['--retries=3'], env: {} });
    expect([problems, ignored]).toEqual([[], [{ flag: 'retries', why: 'see --hold' }]]);
    expect(readFlags(flags, { argv: [], env: {} }).ignored).toEqual([]);
    expect(readFlags(flags, { argv: ['--retries=x'], env: {} }).problems).toHaveLength(1);
  });

  test('help lists every flag', () => {
    const help = flagHelp(specs, 'nmi: hands out tokens');
    expect(help).toContain('nmi: hands out tokens\n\n  --node string\n      Our node. (environment NODE)\n');
    expect(help).toContain('  --interval, --period duration\n      How often. (default 1m30s)\n');
    expect(help).toContain('  --compat\n      As before. (default false)\n');
    expect(help).toContain('Log lines. One of: text, json. (default text)');
  });
});
