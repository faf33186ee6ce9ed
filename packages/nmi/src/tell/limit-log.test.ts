import { createLog } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { createLimitLog } from './limit-log.ts';

it('names the pods that are held back, once a minute for each way', async () => {
  const lines: string[] = [];
  const clock = createFakeClock();
  const say = createLimitLog(
    createLog({ component: 'nmi', destination: { write: (line) => lines.push(line) } }),
    clock,
    (address) => (address === '10.0.0.1' ? [{ key: 'default/web', namespace: 'default' }] : []),
  );
  for (let index = 0; index < 1_000; index += 1) say('refused', '10.0.0.1');
  say('unread', '10.0.0.1');
  say('refused', '10.0.0.2');
  expect(lines).toHaveLength(3);
  expect(lines[0]).toContain('WARN');
  expect(lines[0]).toContain('default/web');
  expect(lines[0]).toContain('--pod-requests-per-second');
  await clock.advance(60_000);
  say('refused', '10.0.0.1');
  expect(lines).toHaveLength(4);
});

it('a hundred noisy pods of one namespace leave a victim of another one its line', () => {
  const lines: string[] = [];
  const say = createLimitLog(
    createLog({ component: 'nmi', destination: { write: (line) => lines.push(line) } }),
    createFakeClock(),
    (address) => {
      const namespace = address === 'victim' ? 'shop' : 'hostile';
      return [{ key: `${namespace}/${address}`, namespace }];
    },
  );
  for (let pod = 0; pod < 100; pod += 1)
    for (const effect of ['refused', 'unread', 'turned-away', 'evicted'] as const) say(effect, `pod-${pod}`);
  expect(lines.length).toBeLessThanOrEqual(20);
  say('evicted', 'victim');
  expect(lines.at(-1)).toContain('shop/victim');
});

it('callers that change their address all the time use up no memory', () => {
  const lines: string[] = [];
  const say = createLimitLog(
    createLog({ component: 'nmi', level: 'error', destination: { write: (line) => lines.push(line) } }),
    createFakeClock(),
    () => [],
  );
  for (let index = 0; index < 10_000; index += 1) say('refused', `fd00::${index.toString(16)}`);
  expect(lines).toEqual([]);
});
