import { inMic, problem } from '@pod-identity/policy';
import { expect, test } from 'vitest';
import { ownCommands, withOwnCommands } from './own-commands.ts';

test('all commands of a remedy are those of the plug-in, and those that it does not have stay', () => {
  const [one, other] = [inMic('access a/b x'), inMic('explain a/b')];
  const finding = problem('access', 'no', { text: 'look', command: `${one} && ${one} && ${other}` });
  const own = 'kubectl azure-pod-identity access a/b x';
  expect(withOwnCommands(finding, 'access').remedy?.command).toBe(`${own} && ${own} && ${other}`);
});

test('a sentence of MIC names the command of the plug-in', () => {
  expect(ownCommands(`grant it with what this prints: ${inMic('access a/b x')}`, 'access')).toBe(
    'grant it with what this prints: kubectl azure-pod-identity access a/b x',
  );
});
