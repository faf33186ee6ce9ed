import { inMic, problem } from '@pod-identity/policy';
import { expect, test } from 'vitest';
import { withOwnExplain } from './own-commands.ts';

test('the explanation that a remedy asks of MIC is asked of the plug-in, and other commands stay', () => {
  const [one, other] = [inMic('explain a/b'), inMic('logs')];
  const finding = problem('access', 'no', { text: 'look', command: `${one} && ${one} && ${other}` });
  const own = 'kubectl azure-pod-identity explain a/b';
  expect(withOwnExplain(finding).remedy?.command).toBe(`${own} && ${own} && ${other}`);
});
