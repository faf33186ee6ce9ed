// Good and bad custom resources, and who takes them: the parser of crd-types, and real API servers with deploy/crds.
import {
  assigned,
  bare,
  binding,
  exception,
  guid,
  identity,
  many,
  meta,
  of,
  only,
  resourceID,
  secret,
  type Case,
} from './crd-cases.ts';
import { spellings } from './crd-spellings.ts';

const oldSpelling =
  'the API server does not require fields, since objects with the spelling of 2018 (ResourceID) have others';
const characters =
  'the parser knows which characters Azure allows, in every language; a pattern of both Go and JavaScript cannot say it';

export const corpus: readonly Case[] = [
  ...spellings,
  identity('a managed identity', {}, true),
  identity('any case of the id, and a trailing slash', { resourceID: `${resourceID.toUpperCase()}/` }, true),
  identity('a client id', { clientID: guid }, true),
  identity('a federated identity', { type: 3, clientID: guid, tenantID: guid }, true),
  only(
    identity(
      'a federated identity with a Secret',
      { type: 3, clientID: guid, tenantID: guid, clientPassword: secret },
      false,
    ),
    { server: true },
    'what a type needs is the parser’s: a schema that refused it would refuse objects that are stored already',
  ),
  identity('type 4', { type: 4 }, false),
  identity('a type in quotes', { type: '0' }, false),
  identity('half a type', { type: 0.5 }, false),
  only(
    identity(
      'the id of a virtual machine',
      { resourceID: '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm' },
      false,
    ),
    { server: true },
    'a schema could say it only by a regular expression that nobody can read; the condition says what is wrong',
  ),
  identity('an id that is a number', { resourceID: 5 }, false),
  identity('a service principal', { type: 1, clientID: guid, tenantID: guid, clientPassword: secret }, true),
  identity(
    'a service principal with a certificate',
    { type: 2, clientID: guid, tenantID: guid, clientPassword: secret },
    true,
  ),
  identity('a Secret that is a string', { type: 1, clientPassword: 'secret' }, false),
  identity('a Secret with a number as name', { type: 1, clientPassword: { name: 5 } }, false),
  identity('auxiliary tenants', { type: 1, auxiliaryTenantIDs: [guid] }, true),
  identity('auxiliary tenants in a string', { type: 1, auxiliaryTenantIDs: guid }, false),
  identity('auxiliary tenants with a number', { type: 1, auxiliaryTenantIDs: [guid, 1] }, false),
  identity('no auxiliary tenants, as null', { auxiliaryTenantIDs: null }, true),
  identity(
    'empty strings instead of missing fields',
    { clientID: '', tenantID: '', adEndpoint: '', clientPassword: { name: '' } },
    true,
  ),
  identity('nulls instead of missing fields', { clientID: null, type: null, clientPassword: null }, true),
  identity('a field that nobody knows', { colour: 'red' }, true),
  identity('allowed namespaces by name', { allowedNamespaces: { names: ['shop'] } }, true),
  identity(
    'allowed namespaces by label',
    { allowedNamespaces: { selector: { matchLabels: { team: 'a' } } } },
    true,
  ),
  identity('all namespaces', { allowedNamespaces: { selector: {} } }, true),
  identity('no allowed namespaces, as null', { allowedNamespaces: null }, true),
  identity('a namespace in capitals', { allowedNamespaces: { names: ['Shop'] } }, false),
  identity('64 allowed namespaces', { allowedNamespaces: { names: many(64) } }, true),
  identity('65 allowed namespaces', { allowedNamespaces: { names: many(65) } }, false),
  identity('allowed namespaces as a list', { allowedNamespaces: ['shop'] }, false),
  identity(
    'a service principal with values that cannot work',
    {
      type: 1,
      tenantID: 'contoso',
      auxiliaryTenantIDs: ['a', 'b', 'c', 'd'],
      adEndpoint: 'http://login.example.com/x',
      adResourceID: 'vault',
    },
    true,
  ),
  binding('a label', {}, true),
  binding('a selector that no label has as its value', { selector: 'demo app' }, true),
  binding(
    'a podSelector that no pod meets',
    {
      podSelector: {
        matchLabels: { app: 'web' },
        matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }],
      },
    },
    true,
  ),
  binding('a selector that is a map', { selector: { app: 'web' } }, false),
  binding('a selector that is a number', { selector: 1 }, false),
  binding('an identity that is a list', { azureIdentity: ['reader'] }, false),
  binding('default', { default: true }, true),
  binding('default in quotes', { default: 'true' }, false),
  binding('default as null', { default: null }, true),
  binding('a ServiceAccount', { selector: '', serviceAccountName: 'web.front-1' }, true),
  binding('a ServiceAccount in capitals', { serviceAccountName: 'Web' }, false),
  binding('a ServiceAccount with an underscore', { serviceAccountName: 'a_b' }, false),
  binding('a ServiceAccount of 254 characters', { serviceAccountName: 'x'.repeat(254) }, false),
  binding(
    'a podSelector',
    { selector: '', podSelector: { matchLabels: { app: 'web', 'x.io/zone': '' } } },
    true,
  ),
  binding(
    'a podSelector with an expression',
    { podSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['a', 'b'] }] } },
    true,
  ),
  binding(
    'In without values',
    { podSelector: { matchExpressions: [{ key: 'app', operator: 'In' }] } },
    false,
  ),
  binding(
    'Exists with values',
    { podSelector: { matchExpressions: [{ key: 'app', operator: 'Exists', values: ['a'] }] } },
    false,
  ),
  binding(
    'Exists with an empty list of values',
    { podSelector: { matchExpressions: [{ key: 'app', operator: 'Exists', values: [] }] } },
    true,
  ),
  binding(
    'an operator of node affinity',
    { podSelector: { matchExpressions: [{ key: 'app', operator: 'Gt', values: ['1'] }] } },
    false,
  ),
  binding(
    'a label key with two slashes',
    { podSelector: { matchExpressions: [{ key: 'a/b/c', operator: 'Exists' }] } },
    false,
  ),
  binding('a label value with a space', { podSelector: { matchLabels: { app: 'a b' } } }, false),
  binding('a label value that is a number', { podSelector: { matchLabels: { app: 1 } } }, false),
  binding(
    'nine labels',
    { podSelector: { matchLabels: Object.fromEntries(many(9).map((key) => [key, 'v'])) } },
    false,
  ),
  exception('a label', {}, true),
  exception('client ids', { clientIDs: [guid] }, true),
  exception('client ids in a string', { clientIDs: guid }, false),
  exception('a label that no pod has', { podLabels: { 'a b': '-' } }, true),
  exception('labels that are a list', { podLabels: ['app'] }, false),
  exception('a label value that is true', { podLabels: { app: true } }, false),
  assigned('a pod', {}, true),
  assigned('a pod that is a number', { pod: 1 }, false),
  meta(identity('no name', {}, true), { namespace: 'default' }, false),
  meta(
    identity('labels that are numbers', {}, true),
    { name: 'tried', namespace: 'default', labels: { a: 1 } },
    false,
  ),
  of(['AzureIdentity', 'a spec that is a list'], [], false),

  only(identity('no resource id', { resourceID: undefined }, false), { server: true }, oldSpelling),
  only(binding('no identity', { azureIdentity: undefined }, false), { server: true }, oldSpelling),
  only(binding('nothing that selects', { selector: undefined }, false), { server: true }, oldSpelling),
  only(
    identity('an id with a question mark', { resourceID: `${resourceID}?x=1` }, false),
    { server: true },
    characters,
  ),
  only(
    identity('an id with a line break at its end', { resourceID: `${resourceID}\n` }, false),
    { server: true },
    characters,
  ),
  only(
    binding(
      'an unknown key in a podSelector',
      { podSelector: { matchLabels: { a: 'b' }, matchExpresions: [] } },
      false,
    ),
    { server: true },
    'the API server keeps the key, so that the parser can refuse it: had it dropped the key, the selector would select more',
  ),
  only(
    binding(
      'a key that no label has in matchLabels',
      { podSelector: { matchLabels: { 'a b': 'c' } } },
      false,
    ),
    { server: true },
    'schemas that Kubernetes 1.20 takes cannot limit the keys of a map',
  ),
  only(
    binding(
      'a label key with a prefix of 254 characters',
      {
        podSelector: { matchExpressions: [{ key: `${'p'.repeat(254)}/a`, operator: 'DoesNotExist' }] },
      },
      false,
    ),
    { server: true },
    'the pattern of a key is one for Go and JavaScript, and limits the length of the whole key only',
  ),
  only(
    bare(identity('an identity without apiVersion and kind', {}, true)),
    { server: false },
    'items of some lists have neither, and the parser reads them; the API server needs both in a request',
  ),
];
