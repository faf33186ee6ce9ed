import { expect, test } from 'vitest';
import { clusterNoteOf, withClusterNote } from './kubectl-words.ts';

const requestTimeout = '0';

test('the note names each option that chooses the cluster, as words for a shell, and no other', () => {
  expect(clusterNoteOf({ requestTimeout, context: 'stag ing', cluster: 'k', as: 'a', user: 'u' })).toBe(
    `commands that are printed go to the cluster of the current context: add '--context=stag ing' --cluster=k after each "kubectl" or "kubectl azure-pod-identity"`,
  );
  expect(clusterNoteOf({ requestTimeout, as: 'a', user: 'u', namespace: 'n' })).toBeUndefined();
});

function printed(note: string | undefined, lines: readonly string[]): readonly string[] {
  const all: string[] = [];
  const { print, complain } = withClusterNote(note, {
    print: (line) => void all.push(line),
    complain: (line) => void all.push(`err ${line}`),
  });
  for (const line of lines) (line.startsWith('!') ? complain : print)(line.replace('!', ''));
  return all;
}

test('the note is printed once, on standard error, before the first command of kubectl', () => {
  expect(printed('N', ['pod a/b', '$ kubectl edit a', '$ kubectl edit b'])).toEqual([
    'pod a/b',
    'err note: N',
    '$ kubectl edit a',
    '$ kubectl edit b',
  ]);
  expect(printed('N', ['!go on: kubectl azure-pod-identity migrate'])[0]).toBe('err note: N');
  expect(printed('N', ['az identity show', 'kubectl.kubernetes.io/x y'])).not.toContain('err note: N');
  expect(printed(undefined, ['kubectl edit a'])).toEqual(['kubectl edit a']);
});
