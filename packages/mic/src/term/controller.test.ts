import { createMetrics } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, test } from 'vitest';
import { createFakeLog } from '../apply/test/fake-log.ts';
import { now } from '../plan/test/builders.ts';
import { micMetrics } from '../tell/metrics.ts';
import { createController, type ControllerOptions, type Term } from './controller.ts';

function setUp() {
  const clock = createFakeClock(now);
  const turns: (() => void)[] = [];
  let change: () => void = () => undefined;
  let sweeps = 0;
  const ended = Promise.withResolvers<undefined>();
  const term = { ended: ended.promise };
  const controller = createController({
    view: {
      onChange(listener: () => void) {
        change = listener;
        return () => undefined;
      },
    },
    index: {
      dirtyHosts: () => {
        sweeps += 1;
        return [];
      },
    },
    clock,
    yieldTurn: () => new Promise<void>((resolve) => turns.push(resolve)),
    log: createFakeLog(),
    metrics: createMetrics(micMetrics),
    startTerm: () => Promise.resolve(term as Partial<Term>),
  } as unknown as ControllerOptions);
  /** Lets a sweep run that is due. */
  const sweepsOf = async () => {
    sweeps = 0;
    for (const turn of turns.splice(0)) turn();
    await new Promise(setImmediate);
    return sweeps;
  };
  return { controller, change: () => change(), sweepsOf, endTerm: () => ended.resolve(undefined) };
}

test('pods are evaluated outside terms, and in a term by the term alone', async () => {
  const { controller, change, sweepsOf, endTerm } = setUp();
  change();
  expect(await sweepsOf()).toBe(1);
  const led = controller.lead({ signal: new AbortController().signal } as never);
  change();
  expect(await sweepsOf()).toBe(0);
  endTerm();
  await led;
  change();
  expect(await sweepsOf()).toBe(1);
});
