import { expect, it } from 'vitest';
import { pauseAfter, strangerProblem } from './stranger.ts';

it.each([
  ['refused', true, 300_000],
  ['allowed', false, 30_000],
  ['not answered for', undefined, 2_000],
])('asks again when the invented user was %s, the sooner the worse', (_, isRefused, ms) => {
  expect(pauseAfter(isRefused)).toBe(ms);
});

it('names the right that NMI needs until there is an answer', () => {
  expect(strangerProblem(undefined)).toContain('subjectaccessreviews');
});

it('names the mode of the API server when an invented user is allowed', () => {
  expect(strangerProblem(false)).toContain('--authorization-mode');
});

it('finds nothing wrong when an invented user is refused', () => {
  expect(strangerProblem(true)).toBeUndefined();
});
