import { createMetrics } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, test } from 'vitest';
import { createFakeLog } from '../apply/test/fake-log.ts';
import { now } from '../plan/test/builders.ts';
import { micMetrics } from '../tell/metrics.ts';
import { createController, type ControllerOptions, type Term } from './controller.ts';

/** Pods are always stale. */
function setUp() {
  const turns: (() => void)[] = [];
  let change: () => void = () => undefined;
  let slices = 0;
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
      hasStale: true,
      settleWhile: () => void (slices += 1),
      dirtyHosts: () => [],
    },
    clock: createFakeClock(now),
    yieldTurn: () => new Promise<void>((resolve) => turns.push(resolve)),
    log: createFakeLog(),
    metrics: createMetrics(micMetrics),
    startTerm: () => Promise.resolve(term as Partial<Term>),
  } as unknown as ControllerOptions);
  /** Lets a slice run that is due. */
  const slicesOf = async () => {
    slices = 0;
    for (const turn of turns.splice(0)) turn();
    await new Promise(setImmediate);
    return slices;
  };
  return { controller, change: () => change(), slicesOf, endTerm: () => ended.resolve(undefined) };
}

test('pods are settled outside terms, and in a term by the term alone', async () => {
  const { controller, change, slicesOf, endTerm } = setUp();
  change();
  expect([await slicesOf(), await slicesOf()]).toEqual([1, 1]);
  const led = controller.lead({ signal: new AbortController().signal } as never);
  change();
  expect([await slicesOf(), await slicesOf()]).toEqual([0, 0]);
  endTerm();
  await led;
  change();
  expect(await slicesOf()).toBe(1);
});
