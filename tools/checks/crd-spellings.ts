// Cases of crd-corpus.ts about the spelling of keys, empty values and times.
import { binding, exception, guid, identity, meta, only, type Case } from './crd-cases.ts';

const oneSpelling =
  'the API server keeps the key, so that the parser can refuse it: had it dropped the key, or the parser passed over it, the object would mean more than its author wrote';
const at = (creationTimestamp: string) => ({ name: 'tried', namespace: 'default', creationTimestamp });
const noTimes = ['02-31T00:00:00Z', '02-29T00:00:00Z', '13-01T00:00:00Z', '01-01T24:00:00Z'];
const others = ['01-01T23:59:60Z', '01-01T00:00:00+25:00', '01-01t00:00:00z', '01-01'];

const misspelt = [
  [binding, 'podSelectors'],
  [binding, 'podselctor'],
  [binding, 'serviceAccount'],
  [binding, 'service_account_name'],
  [binding, 'defaults'],
  [identity, 'allowedNamespace'],
  [exception, 'clientID'],
] as const;

export const spellings: readonly Case[] = [
  binding(
    'the spelling of 2018',
    { azureIdentity: undefined, selector: undefined, AzureIdentity: 'reader', Selector: 'demo' },
    true,
  ),
  binding('an empty Selector beside a selector', { Selector: '' }, true),
  binding('a podSelector that is empty', { podSelector: {} }, true),
  binding('a podSelector that is null', { podSelector: null }, true),
  only(binding('ServiceAccountName', { ServiceAccountName: 'web' }, false), { server: true }, oneSpelling),
  only(
    binding(
      'PodSelector beside podSelector',
      { podSelector: { matchLabels: { a: 'b' } }, PodSelector: {} },
      false,
    ),
    { server: true },
    oneSpelling,
  ),
  only(
    identity('AllowedNamespaces', { AllowedNamespaces: { names: ['shop'] } }, false),
    { server: true },
    oneSpelling,
  ),
  ...misspelt.map(([of, key]) =>
    only(of(`the misspelt ${key}`, { [key]: null }, false), { server: true }, oneSpelling),
  ),
  identity('the misspelt auxillaryTenantIDs', { auxillaryTenantIDs: null }, true),
  only(
    binding(
      'selectors in place of selector',
      { selector: undefined, selectors: 'demo', serviceAccountName: 'web' },
      false,
    ),
    { server: true },
    oneSpelling,
  ),
  binding('selectors beside selector', { selectors: 'demo' }, true),
  only(exception('ClientIDs', { ClientIDs: [guid] }, false), { server: true }, oneSpelling),
  meta(identity('a time', {}, true), at('2024-02-29T23:59:59.5+02:00'), true),
  ...[...noTimes, ...others].map((time) =>
    meta(identity(`the time 2026-${time}`, {}, true), at(`2026-${time}`), false),
  ),
];
