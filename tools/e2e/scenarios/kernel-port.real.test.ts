// The port to which requests of pods are redirected, on the real kernel: other programs that listen there.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { describePlaces } from '../kernel/places.ts';
import { openKernelWorld, type KernelWorld } from '../kernel/world.ts';
import { within } from '../../stage/within.ts';

/** Listens on the port with SO_REUSEPORT, and prints the result. */
const listener = (reusePort: boolean) => `
require('node:net').createServer().on('error', ({ code }) => console.log(code))
  .listen({ host: '127.0.0.1', port: 2579, reusePort: ${reusePort} }, () => console.log('listening'))`;

describePlaces('port', ['fabric'], () => {
  let world: KernelWorld;
  beforeEach(async () => {
    world = await openKernelWorld('fabric');
  });
  afterEach(() => world.stop());

  const startForeign = async (isShared = true) => {
    const command = ['netns', 'exec', world.network.node, process.execPath, '-e', listener(isShared)];
    const child = spawn('ip', command, { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'close');
    const saying = within(30_000, 'the other program to listen or to fail', once(child.stdout, 'data'));
    const [said] = (await saying) as [Buffer];
    const stop = async () => {
      child.kill();
      await ended;
    };
    return { said: String(said).trim(), stop };
  };

  test('no program of root joins the port of NMI', async () => {
    await world.startNmi();
    const foreign = await startForeign();
    await foreign.stop();
    expect(foreign.said).toBe('EADDRINUSE');
  });

  test.each([
    { what: 'another program has', isShared: true },
    { what: 'the original has, which shares it with nobody', isShared: false },
  ])(
    'NMI waits for a port that $what, logs it, is not ready until it gets it, and then serves',
    async ({ isShared }) => {
      const foreign = await startForeign(isShared);
      expect(foreign.said).toBe('listening');
      const nmi = world.launchNmi();
      await nmi.service.line((line) => line.includes('waiting for the port: another program has it'));
      expect(await nmi.readyz()).toContain('the listener does not answer');
      await foreign.stop();
      await nmi.until(/^200 ready$/);
    },
  );
});
