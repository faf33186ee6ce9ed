import { describe, expect, test } from 'vitest';
import { flagHelp } from './flag-docs.ts';
import type { FlagSpec } from './flag-spec.ts';
import { afterService, readFlags, serviceFault } from './flags.ts';

const specs: readonly FlagSpec[] = [
  { name: 'node', kind: 'string', default: undefined, help: 'Our node.', env: 'NODE' },
  { name: 'v', kind: 'integer', default: 0, help: 'Verbosity.', min: 0, max: 10 },
  {
    name: 'forceNamespaced',
    kind: 'boolean',
    default: false,
    help: 'Only within a namespace.',
    env: 'FORCENAMESPACED',
  },
  { name: 'compat', kind: 'boolean', default: false, help: 'As before.', words: ['status'] },
  { name: 'ratio', kind: 'number', default: 0.5, help: 'A share.', max: 1 },
  { name: 'interval', kind: 'duration', default: 90_000, help: 'How often.', min: 1000, aliases: ['period'] },
  { name: 'immutable', kind: 'list', default: [], help: 'Never touched.', env: 'IMMUTABLE' },
  { name: 'log-format', kind: 'string', default: 'text', help: 'Log lines.', choices: ['text', 'json'] },
  { name: 'client-id', kind: 'integer', default: undefined, help: 'A | bar.' },
];
const shared: readonly FlagSpec[] = [
  {
    name: 'sampler',
    kind: 'string',
    default: 'on',
    help: '',
    choices: ['on', 'off'],
    env: 'SAMPLER',
    isEnvShared: true,
  },
  {
    name: 'collector',
    kind: 'string',
    default: '',
    help: '',
    isUrl: true,
    env: 'COLLECTOR',
    isEnvShared: true,
  },
];
const read = (argv: string[], env: Record<string, string> = {}) => readFlags(specs, { argv, env });

describe('flags', () => {
  test('flags that are not given have their defaults', () => {
    const flags = read([]);
    expect(flags.problems).toEqual([]);
    expect(flags.given.size).toBe(0);
    expect([flags.optionalString('node'), flags.string('node'), flags.integer('v')]).toEqual([
      undefined,
      '',
      0,
    ]);
    expect([flags.boolean('forceNamespaced'), flags.number('ratio')]).toEqual([false, 0.5]);
    expect([flags.durationMs('interval'), flags.list('immutable'), flags.string('log-format')]).toEqual([
      90_000,
      [],
      'text',
    ]);
    expect(flags.optionalString('log-format')).toBe('text');
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
    expect(flags.optionalString('node')).toBe(value);
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
    expect(flags.boolean('forceNamespaced')).toBe(value);
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
    expect(flags.boolean('forceNamespaced')).toBe(true);
    expect(flags.positional).toEqual(['false', '-']);
    expect([flags.integer('v'), flags.durationMs('interval'), flags.number('ratio')]).toEqual([
      4, 90_000, -0.25,
    ]);
  });

  test.each<[string[], boolean, string | undefined]>([
    [[], false, undefined],
    [['--compat'], true, undefined],
    [['--compat', 'status'], true, undefined],
    [['--compat=1'], true, undefined],
    [['--compat=false'], false, undefined],
    [['--compat=status'], false, 'status'],
    [['--compat=status', '--compat'], true, undefined],
  ])('%j sets a boolean that may be a word as well', (argv, isTrue, word) => {
    const flags = read(argv);
    expect([flags.problems, flags.boolean('compat'), flags.word('compat')]).toEqual([[], isTrue, word]);
  });

  test('a boolean accepts only its own words', () => {
    expect(read(['--compat=state', '--forceNamespaced=status']).problems).toEqual([
      { name: 'forceNamespaced', message: '--forceNamespaced must be true or false, not "status"' },
      { name: 'compat', message: '--compat must be true, false or status, not "state"' },
    ]);
  });

  test('an alias counts as the flag', () => {
    const flags = read(['--period=2s']);
    expect(flags.durationMs('interval')).toBe(2000);
    expect([...flags.given]).toEqual(['interval']);
  });

  test('words after -- are positional', () => {
    expect(read(['a', '--', '--v', '9']).positional).toEqual(['a', '--v', '9']);
  });

  test('lists on the command line are concatenated and replace the environment', () => {
    const env = { IMMUTABLE: 'x, y,,' };
    expect(read([], env).list('immutable')).toEqual(['x', 'y']);
    expect(read(['--immutable', 'a,b', '--immutable=c'], env).list('immutable')).toEqual(['a', 'b', 'c']);
  });

  test('the environment is used for a flag that is not given; an empty variable counts as unset', () => {
    expect(read([], { NODE: 'env' }).string('node')).toBe('env');
    expect(read(['--node=flag'], { NODE: 'env' }).string('node')).toBe('flag');
    expect(read([], { NODE: '' }).optionalString('node')).toBeUndefined();
    expect(read([], { FORCENAMESPACED: 'true' }).boolean('forceNamespaced')).toBe(true);
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
      { name: 'nod', message: 'unknown flag --nod; did you mean --node?' },
      { name: 'zzz', message: 'unknown flag --zzz' },
      { name: 'node', message: '--node needs a value' },
      { name: 'v', message: '--v must be at most 10, not "11"' },
      { name: 'forceNamespaced', message: '--forceNamespaced must be true or false, not "perhaps"' },
      { name: 'ratio', message: '--ratio must be a number, not "big"' },
      { name: 'interval', message: '--interval must be at least 1s, not "10ms"' },
      { name: 'log-format', message: '--log-format must be one of text, json, not "xml"' },
    ]);
    expect(flags.integer('v')).toBe(0);
  });

  test('a wrong variable that others set too is a warning, and the default counts; a given flag is a problem', () => {
    const env = { SAMPLER: 'xray', COLLECTOR: 'user:secret@collector:4318', NODE: 'n1' };
    const flags = readFlags(shared, { argv: [], env });
    expect([flags.problems, flags.string('sampler'), flags.string('collector')]).toEqual([[], 'on', '']);
    expect(flags.given.size).toBe(0);
    expect(flags.warnings).toEqual([
      'the environment variable SAMPLER is not used: --sampler must be one of on, off, not "xray"',
      'the environment variable COLLECTOR is not used: --collector must be a URL with http or https, such as http://collector:4318',
    ]);
    const given = readFlags(shared, { argv: ['--sampler=xray', '--collector=collector:4318'], env });
    expect(given.warnings).toEqual([]);
    expect(given.problems.map(({ name }) => name)).toEqual(['sampler', 'collector']);
    const right = readFlags(shared, { argv: [], env: { SAMPLER: 'off', COLLECTOR: 'https://collector/' } });
    expect([right.string('sampler'), right.string('collector')]).toEqual(['off', 'https://collector/']);
    expect([right.problems, right.warnings, right.given.size]).toEqual([[], [], 2]);
    expect(readFlags(shared, { argv: ['--collector='], env }).problems).toEqual([]);
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

  test('reading an undeclared flag, or one as another kind, throws', () => {
    expect(() => read([]).integer('node')).toThrow(TypeError);
    expect(() => read([]).string('nothing')).toThrow(TypeError);
  });

  test('help lists every flag', () => {
    const help = flagHelp(specs, 'nmi: hands out tokens');
    expect(help).toContain('nmi: hands out tokens\n\n  --node string\n      Our node. (environment NODE)\n');
    expect(help).toContain('  --interval, --period duration\n      How often. (default 1m30s)\n');
    expect(help).toContain('  --compat\n      As before. (default false)\n');
    expect(help).toContain('Log lines. One of: text, json. (default text)');
  });
});

describe('the flags of the running service', () => {
  test('come first, so that given ones replace them', () => {
    const argv = afterService(specs, ['explain', '--node=mine'], ['--node', 'its', '--v=3']);
    expect(argv).toEqual(['--node=its', '--v=3', 'explain', '--node=mine']);
    const flags = read([...argv]);
    expect([flags.string('node'), flags.integer('v'), flags.positional]).toEqual(['mine', 3, ['explain']]);
  });

  test('give way to a given list as a whole', () => {
    const service = ['--immutable=a', '--immutable', 'b', '--v=3', '--forceNamespaced'];
    const argv = afterService(specs, ['explain', '--immutable=c', '--immutable=d'], service);
    const flags = read([...argv]);
    expect([flags.list('immutable'), flags.integer('v')]).toEqual([['c', 'd'], 3]);
    expect([flags.boolean('forceNamespaced'), flags.positional]).toEqual([true, ['explain']]);
    expect(read([...afterService(specs, ['explain'], service)]).list('immutable')).toEqual(['a', 'b']);
  });

  test.each<[string, readonly string[] | undefined]>([
    ['no service', undefined],
    ['another command', ['install', '--v=3']],
    ['another version, with unknown flags', ['--v=3', '--later=1']],
    ['arguments that end the flags', ['--v=3', '--']],
  ])('are left out with %s', (_, service) => {
    expect(afterService(specs, ['explain'], service)).toEqual(['explain']);
    expect(serviceFault(specs, service)).toMatch(/^process 1 .* so the flags of the service are not known/);
  });

  test('have no fault where they count', () => {
    expect(serviceFault(specs, ['--node', 'its', '--v=3'])).toBeUndefined();
    expect(serviceFault(specs, [])).toBeUndefined();
  });
});
