import { KubeError } from '@pod-identity/kit/kube';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { deadlineMs, inTime } from './deadline.ts';

const stage = (signal = new AbortController().signal) => {
  const complaints: string[] = [];
  const clock = createFakeClock();
  return { clock, signal, complaints, complain: (line: string) => void complaints.push(line) };
};
const aborted = (signal: AbortSignal) =>
  new Promise<number>((_, reject) => {
    signal.addEventListener('abort', () => reject(new KubeError('aborted', 'aborted')), { once: true });
  });

it('returns the exit code of the command', async () => {
  const limited = stage();
  expect(await inTime(limited, () => Promise.resolve(1))).toBe(1);
  expect(limited.complaints).toEqual([]);
});

it('ends a command that gets no answer at its deadline, with 2 and a line', async () => {
  const limited = stage();
  const code = inTime(limited, aborted);
  await limited.clock.advance(deadlineMs);
  expect(await code).toBe(2);
  expect(limited.complaints).toEqual([
    'the API server does not say what is needed (aborted): nothing complete within 120 s',
  ]);
});

it('ends with 2 when the API server refuses', async () => {
  const limited = stage();
  expect(await inTime(limited, () => Promise.reject(new KubeError('denied', 'no right')))).toBe(2);
  expect(limited.complaints[0]).toContain('(denied): no right');
});

it('does not hide a bug', async () => {
  await expect(inTime(stage(), () => Promise.reject(new TypeError('bug')))).rejects.toThrow('bug');
});
