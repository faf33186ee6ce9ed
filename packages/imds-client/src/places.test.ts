import { describe, expect, test } from 'vitest';
import { createGate } from './places.ts';

/** Lets what was resolved go on. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

function createScene(most: number) {
  const gate = createGate(most);
  const inside: string[] = [];
  const queued = new Map<string, { isQueued: boolean }>();
  const leavers = new Map<string, () => void>();
  const come = async (name: string, key = 'k', signal = new AbortController().signal) => {
    const aboard = { isQueued: false };
    queued.set(name, aboard);
    const leave = await gate(key)(signal, aboard);
    inside.push(name);
    leavers.set(name, leave);
  };
  const leave = async (name: string) => {
    inside.splice(inside.indexOf(name), 1);
    leavers.get(name)!();
    await settle();
  };
  const isQueued = () => [...queued].filter(([, one]) => one.isQueued).map(([name]) => name);
  return { come, leave, inside, isQueued };
}

describe('a gate', () => {
  test('lets in as many as it has places, and the others in the order in which they came', async () => {
    const { come, leave, inside, isQueued } = createScene(2);
    for (const name of ['a', 'b', 'c', 'd']) void come(name);
    await settle();
    expect(inside).toEqual(['a', 'b']);
    expect(isQueued()).toEqual(['c', 'd']);
    await leave('b');
    expect(inside).toEqual(['a', 'c']);
    expect(isQueued()).toEqual(['d']);
    await leave('a');
    await leave('c');
    await leave('d');
    for (const name of ['e', 'f', 'g']) void come(name);
    await settle();
    expect(inside).toEqual(['e', 'f']);
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
