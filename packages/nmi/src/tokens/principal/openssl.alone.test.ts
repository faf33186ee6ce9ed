import type * as childProcess from 'node:child_process';
import { EventEmitter } from 'node:events';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createOpenssl } from './openssl.ts';

const files = vi.hoisted(() => ({ areLeft: true }));
/** Node's child when the process may open no more files: it has no streams. */
vi.mock('node:child_process', async (original) => {
  const real = await original<typeof childProcess>();
  const withoutFiles = () => {
    const child = new EventEmitter();
    process.nextTick(() => child.emit('error', Object.assign(new Error('no files'), { code: 'EMFILE' })));
    return child;
  };
  return { ...real, spawn: (...all: [string]) => (files.areLeft ? real.spawn(...all) : withoutFiles()) };
});

afterEach(() => {
  vi.unstubAllEnvs();
  files.areLeft = true;
});

/** A program of Node in the place of openssl. */
const program = (text: string, more: readonly string[] = []) => ({
  args: [...more, '-e', text, '--'],
  content: 'a hidden file',
  password: 'a hidden word',
});
const stage = () => {
  const clock = createFakeClock();
  return { clock, ...createOpenssl(clock, { command: process.execPath }) };
};

describe('openssl as a child', () => {
  it('attack: is killed after 3 seconds, although it hears no signal and prints nothing', async () => {
    const started = Promise.withResolvers<() => void>();
    const { run } = createOpenssl(
      {
        after: (ms, kill) => {
          expect(ms).toBe(3_000);
          started.resolve(kill);
          return { cancel: () => undefined };
        },
      },
      { command: process.execPath },
    );
    const running = run(program("process.on('SIGTERM', () => {}); for (;;);"));
    (await started.promise)();
    expect(await running).toBe('killed');
  });

  it('attack: is killed when it prints without end', async () => {
    const text = "const say = () => process.stdout.write('x'.repeat(65536), say); say()";
    expect(await stage().run(program(text))).toBe('killed');
  });

  it('may print 256 KiB, and its timer ends with it', async () => {
    const { run, clock } = stage();
    const output = 'x'.repeat(262_144);
    expect(await run(program("process.stdout.write('x'.repeat(262144))"))).toEqual({ output });
    expect(clock.pending).toBe(0);
  });

  it('is not held up by what it writes to its standard error', async () => {
    const text = "require('fs').writeSync(2, 'x'.repeat(1048576)); process.stdout.write('done')";
    expect(await stage().run(program(text))).toEqual({ output: 'done' });
  });

  it.each([
    ['fails', 'process.exit(1)'],
    ['runs out of memory', 'const all = []; for (;;) all.push(new Array(1e6).fill(0))'],
  ])('attack: that %s is told so, and nothing that it printed is taken', async (_, text) => {
    const { run } = stage();
    const said = `process.stdout.write('half'); ${text}`;
    expect(await run(program(said, ['--max-old-space-size=32']))).toBe('failed');
  });

  it('cannot be started: told as a failure', async () => {
    const { run } = createOpenssl(createFakeClock(), { command: '/nowhere/openssl' });
    await expect(run(program(''))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('cannot be started since no more files may be opened: told as a failure', async () => {
    const { run, clock } = stage();
    files.areLeft = false;
    await expect(run(program(''))).rejects.toMatchObject({ code: 'EMFILE' });
    expect(clock.pending).toBe(0);
  });

  it('attack: has neither file nor password in arguments, environment or open files; both come by descriptors', async () => {
    vi.stubEnv('AZURE_CLIENT_SECRET', 'hidden');
    const text = `
      const { readFileSync, readlinkSync } = require('node:fs');
      const files = [0, 3].map((fd) => readlinkSync('/proc/self/fd/' + fd).replace(/\\d+/, 'N'));
      const outside = JSON.stringify([process.argv.slice(1), process.env, files]);
      console.log(outside + '\\n' + readFileSync(0) + '\\n' + readFileSync(3));`;
    const ran = await stage().run(program(text));
    if (typeof ran === 'string') throw new Error(ran);
    const [outside, content, password] = ran.output.split('\n');
    expect(JSON.parse(outside!)).toEqual([
      ['-passin', 'fd:3'],
      { OPENSSL_CONF: '/dev/null' },
      ['socket:[N]', 'socket:[N]'],
    ]);
    expect([content, password]).toEqual(['a hidden file', 'a hidden word']);
  });

  it('is killed when the agent ends', async () => {
    const { run, close } = stage();
    const running = run(program('for (;;);'));
    close();
    expect(await running).toBe('failed');
  });
});
