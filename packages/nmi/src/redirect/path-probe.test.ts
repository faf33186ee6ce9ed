import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { listenerName } from '../request/wire.ts';
import { createPathProbe, type Knock } from './path-probe.ts';

const metadata = { host: '169.254.169.254', port: 80 };
type Heard = Awaited<ReturnType<Knock>> | Error;
const stage = (...answers: Heard[]) => {
  const clock = createFakeClock();
  const seen: unknown[] = [];
  const knock: Knock = (at) => {
    seen.push(at);
    const answer = answers.shift() ?? 'port-taken';
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  return { clock, probe: createPathProbe(metadata, clock, knock), seen };
};

it.each([
  ['our listener', { server: listenerName }, true],
  ['the metadata service', { server: 'IMDS/150.870.65.1324' }, false],
  ['somebody without a name', { server: '' }, false],
  ['nobody', new Error('ECONNREFUSED'), false],
])('when %s answers: %j is %s', async (_, answer, isOurs) => {
  const { probe, seen } = stage(answer);
  await expect(probe()).resolves.toBe(isOurs);
  expect(seen).toEqual([metadata]);
});

it('waits while another probe of the node has the port, but not for ever', async () => {
  const short = stage('port-taken', 'port-taken', { server: listenerName });
  const answer = short.probe();
  await short.clock.advance(1_000);
  await expect(answer).resolves.toBe(true);
  const long = stage();
  const never = long.probe();
  await long.clock.advance(60_000);
  await expect(never).resolves.toBe(false);
});

it('is made once for all who ask meanwhile, and anew for those who ask later', async () => {
  const { probe, seen } = stage({ server: listenerName }, { server: '' });
  await expect(Promise.all([probe(), probe()])).resolves.toEqual([true, true]);
  expect(seen).toHaveLength(1);
  await expect(probe()).resolves.toBe(false);
});
