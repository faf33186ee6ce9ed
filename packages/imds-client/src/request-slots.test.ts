import { describe, expect, test, vi } from 'vitest';
import { createGate } from './request-slots.ts';

/** Lets what was resolved go on. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

function createScene(most: number) {
  const gate = createGate(most);
  const inside: string[] = [];
  const leavers = new Map<string, () => void>();
  const come = async (name: string, key = 'k', signal = new AbortController().signal) => {
    const leave = await gate(key)(signal);
    inside.push(name);
    leavers.set(name, leave);
  };
  const leave = async (name: string) => {
    inside.splice(inside.indexOf(name), 1);
    leavers.get(name)!();
    await settle();
  };
  return { come, leave, inside };
}

describe('a gate', () => {
  test('lets in as many as it has places, and the others in the order in which they came', async () => {
    const { come, leave, inside } = createScene(2);
    for (const name of ['a', 'b', 'c', 'd']) void come(name);
    await settle();
    expect(inside).toEqual(['a', 'b']);
    await leave('b');
    expect(inside).toEqual(['a', 'c']);
    await leave('a');
    await leave('c');
    await leave('d');
    for (const name of ['e', 'f', 'g']) void come(name);
    await settle();
    expect(inside).toEqual(['e', 'f']);
  });

  test('has no more places after one left while nobody waited', async () => {
    const { come, leave, inside } = createScene(2);
    await Promise.all([come('a'), come('b')]);
    await leave('b');
    for (const name of ['c', 'd']) void come(name);
    await settle();
    expect(inside).toEqual(['a', 'c']);
  });

  test('leaves no listener at the signal of one that it let in', async () => {
    const { come, leave, inside } = createScene(1);
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, 'addEventListener');
    const removed = vi.spyOn(signal, 'removeEventListener');
    await come('a');
    void come('b', 'k', signal);
    await leave('a');
    expect(inside).toEqual(['b']);
    expect(added).toHaveBeenCalledOnce();
    expect(removed.mock.calls).toEqual(added.mock.calls);
  });

  test('has places for all who come after it was empty, in the order in which they came', async () => {
    const { come, leave, inside } = createScene(1);
    for (const name of ['a', 'b']) void come(name);
    await settle();
    await leave('a');
    await leave('b');
    for (const name of ['c', 'd']) void come(name);
    await settle();
    expect(inside).toEqual(['c']);
    void come('e');
    await leave('c');
    void come('f');
    await leave('d');
    expect(inside).toEqual(['e']);
  });

  test('keeps the order of a crowd of which some give up, before and after others were let in', async () => {
    const { come, leave, inside } = createScene(1);
    const names = Array.from({ length: 12 }, (_, index) => `${index}`);
    const controllers = names.map(() => new AbortController());
    const coming = names.map((name, index) => come(name, 'k', controllers[index]!.signal));
    const giveUp = async (index: number) => {
      controllers[index]!.abort('bored');
      await expect(coming[index]).rejects.toBe('bored');
    };
    await giveUp(1);
    await giveUp(11);
    const order: string[] = [];
    for (let left = 0; left < 7; left += 1) {
      await settle();
      order.push(...inside);
      if (left === 3) for (const index of [5, 6, 8]) await giveUp(index);
      await leave(inside[0]!);
    }
    expect(order).toEqual(['0', '2', '3', '4', '7', '9', '10']);
    expect(inside).toEqual([]);
    await come('next');
    expect(inside).toEqual(['next']);
  });

  test('counts each key by itself', async () => {
    const { come, inside } = createScene(1);
    await Promise.all([come('a', 'one'), come('b', 'other')]);
    expect(inside).toEqual(['a', 'b']);
  });

  test('keeps no place for one that was aborted while it waited', async () => {
    const { come, leave, inside } = createScene(1);
    const controller = new AbortController();
    await come('a');
    const waiting = come('b', 'k', controller.signal);
    void come('c');
    controller.abort('bored');
    await expect(waiting).rejects.toBe('bored');
    await leave('a');
    expect(inside).toEqual(['c']);
  });

  test('lets nobody wait who was aborted before', async () => {
    const { come, leave, inside } = createScene(1);
    await come('a');
    await expect(come('b', 'k', AbortSignal.abort('bored'))).rejects.toBe('bored');
    void come('c');
    await leave('a');
    expect(inside).toEqual(['c']);
  });
});
