import { apiVersion, type AzureIdentityBinding } from '@pod-identity/crd-types';
import { expect, test, vi } from 'vitest';
import type { PodView } from '../views.ts';
import { FiledBindings } from './filed-bindings.ts';
import { Selections } from './selections.ts';

const name = (number: number) => `b-${String(number).padStart(5, '0')}`;
const bindingOf = (number: number): AzureIdentityBinding => ({
  apiVersion,
  kind: 'AzureIdentityBinding',
  metadata: { namespace: 'shop', name: name(number) },
  spec: { azureIdentity: 'reader', selector: '', podSelector: { matchLabels: { app: `app-${number}` } } },
});
const podOf = (labels: Readonly<Record<string, string>>, serviceAccount = 'web'): PodView => ({
  namespace: 'shop',
  name: 'web',
  uid: 'web',
  nodeName: 'node-0',
  bindingLabel: '',
  isUnlabelled: true,
  labels,
  serviceAccount,
  finished: false,
  createdAt: 0,
});

function createPlaces(count: number) {
  const places = new FiledBindings();
  for (let number = 0; number < count; number += 1) places.add(bindingOf(number));
  return { places, searches: vi.spyOn(places, 'selecting') };
}

test('pods with the same labels, as one object, and the same ServiceAccount share a selection, and others do not', () => {
  const { places, searches } = createPlaces(3);
  const selections = new Selections(places);
  const labels = { app: 'app-1' };
  for (const account of ['web', 'jobs', 'web', 'jobs'])
    expect(selections.of(podOf(labels, account))).toEqual([name(1)]);
  expect(searches).toHaveBeenCalledTimes(2);
  expect(selections.of(podOf({ ...labels }))).toEqual([name(1)]);
  expect(searches).toHaveBeenCalledTimes(3);
});

test('a search goes on where it has stopped, for the same pod', () => {
  const { places, searches } = createPlaces(1);
  const selections = new Selections(places);
  const [pod, other] = [podOf({ app: 'app-0' }), podOf({ app: 'app-0' })];
  const turns = (of: PodView, most: number) => {
    for (let turn = 1; turn <= most; turn += 1) if (selections.find(of, 1)) return turn;
    return Infinity;
  };
  const needed = turns(pod, 100);
  expect([needed > 3, searches.mock.calls.length]).toEqual([true, 1]);
  expect(turns(other, needed - 1)).toBe(Infinity);
  expect(selections.of(podOf({ app: 'app-0' }))).toEqual([name(0)]);
  expect(selections.find(other, 1)).toBe(true);
});

test('a search begins again when a binding has another copy', () => {
  const { places } = createPlaces(1);
  const selections = new Selections(places);
  const pod = podOf({ app: 'app-0' });
  let turns = 1;
  while (!selections.find(pod, 1)) turns += 1;
  const again = podOf({ app: 'app-0' });
  for (let turn = 1; turn < turns; turn += 1) expect(selections.find(again, 1)).toBe(false);
  selections.restart();
  for (let turn = 1; turn < turns; turn += 1) expect(selections.find(again, 1)).toBe(false);
  expect(selections.find(again, 1)).toBe(true);
});

test('attack: pods of any number of ServiceAccounts, one after the other, do not fill the memory while one of them lives', () => {
  const { places, searches } = createPlaces(1);
  const selections = new Selections(places);
  const labels = { app: 'app-0' };
  for (let number = 0; number < 60_000; number += 1) selections.of(podOf(labels, `account-${number}`));
  const known = searches.mock.calls.length;
  selections.of(podOf(labels, 'account-0'));
  expect(searches.mock.calls.length).toBe(known + 1);
});
