// Every outcome of a request to NMI with its response, for docs/reference/errors.md.
import type { Denial } from '../../packages/nmi/src/authorize/types.ts';
import type { BadRequest, BadRequestReason } from '../../packages/nmi/src/request/token-request.ts';
import type { Outcome, OutcomeKind } from '../../packages/nmi/src/respond/outcome.ts';
import { respond } from '../../packages/nmi/src/respond/respond.ts';
import type { TokenErrorCode } from '../../packages/nmi/src/tokens/errors.ts';
import type { IssuedToken } from '../../packages/nmi/src/tokens/types.ts';

export interface ErrorRow {
  readonly kind: OutcomeKind;
  readonly situation: string;
  readonly ours: ToldAnswer;
}

export interface ToldAnswer {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string;
}

interface Sample {
  readonly situation: string;
  readonly outcome: Outcome;
}

const pod = 'default/web';
const identity = 'default/reader';
const issued: IssuedToken = {
  access: { token: 'ey…', expiresOnTimestamp: 0, tokenType: 'Bearer', resource: 'r' },
  clientId: 'c',
  objectId: 'o',
};
const issuance = { pod, uid: 'u', identity, from: 'hit', issued, resource: 'r' } as const;
const bytes = new Uint8Array();
const unanswered = { kind: 'access-unanswered', pod, identity } as const;

const badRequests: Readonly<Record<BadRequestReason, string>> = {
  'no-metadata-header': 'the header `Metadata: true` is missing: a probe',
  forwarded: 'the header `X-Forwarded-For` is present',
  'foreign-host':
    'the header `Host`, or the address in the request line, has a name that is not allowed; or `Host` is present twice',
  'malformed-target': 'the request line cannot be read',
  'body-too-large': 'the request has a large body',
  'no-resource': 'the parameter `resource` is missing',
  'malformed-parameter': 'a parameter is too long or has characters that it cannot have, such as whitespace',
  'repeated-parameter': 'a parameter is given twice, in any case',
  'misnamed-parameter': 'an unknown parameter names the identity, such as `clientid` or `principal_id`',
  'several-selectors': 'more than one of the selectors has a value',
  'no-pod-headers': '`/host/token` without `podname` and `podns`',
  'not-from-the-node': '`/host/token` is called from outside the node',
};

const problemOf = (why: BadRequestReason): BadRequest =>
  why === 'misnamed-parameter'
    ? { why, name: 'clientid', rightName: 'client_id' }
    : { why, name: why === 'several-selectors' ? 'client_id and object_id' : 'client_id' };

const row = (situation: string, outcome: Outcome): readonly Sample[] => [{ situation, outcome }];

const denied = (situation: string, denial: Denial): Sample => ({
  situation,
  outcome: { kind: 'denied', pod, denial },
});

const subject = { namespace: 'default', name: 'reader' };
const targets = [{ resource: 'managedidentities', names: ['(its ARM id)'] }] as const;
const noRight: Denial = { why: 'access-denied', identity, subject, targets };
const missing = (what: string, denial: Denial): Sample => ({
  situation: `the pod started less than \`--binding-grace\` ago, and ${what}`,
  outcome: { kind: 'not-assigned', pod, seen: 'unbound', denial },
});

const failed = (
  situation: string,
  why: TokenErrorCode,
  over: Partial<Extract<Outcome, { kind: 'token-failed' }>> = {},
): Sample => ({
  situation,
  outcome: { kind: 'token-failed', pod, why, description: '(Azure’s message)', retryAfterMs: 7_000, ...over },
});

/** Azure stated no time to wait, or was not called. */
const silent = { retryAfterMs: undefined };

const nowhere = (situation: string, why: Extract<Outcome, { kind: 'nowhere' }>['why']): Sample => ({
  situation,
  outcome: { kind: 'nowhere', why },
});

/** A record, so that the compiler reports an outcome without a row. */
const samples: Readonly<Record<OutcomeKind, readonly Sample[]>> = {
  token: [{ situation: 'a token', outcome: { kind: 'token', ...issuance } }],
  'host-token': [
    { situation: 'a token for a process of the node', outcome: { kind: 'host-token', ...issuance } },
  ],
  proxied: [
    {
      situation: 'metadata of the machine: status and body are those of the metadata service',
      outcome: { kind: 'proxied', status: 200, contentType: 'application/json', body: bytes },
    },
  ],
  'bad-request': Object.entries(badRequests).map(([why, situation]) => ({
    situation,
    outcome: { kind: 'bad-request', problem: problemOf(why as BadRequestReason) },
  })),
  'bad-method': [{ situation: 'another method than GET', outcome: { kind: 'bad-method' } }],
  nowhere: [
    nowhere('a path or query with characters that are not allowed', 'malformed'),
    nowhere('below `/metadata/identity`, but not the token path', 'identity'),
    nowhere('a probe for the metadata service of AWS, Google and others', 'foreign'),
    nowhere('any other path', 'unknown'),
  ],
  starting: [{ situation: 'the agent has not read the cluster yet', outcome: { kind: 'starting' } }],
  outdated: [
    {
      situation: 'a watch was silent for longer than `--pod-check-outage`',
      outcome: { kind: 'outdated' },
    },
  ],
  'unknown-caller': [
    {
      situation: 'no pod has the address, after `--caller-hold`',
      outcome: { kind: 'unknown-caller', address: '10.0.0.9' },
    },
    { situation: 'the caller has disconnected', outcome: { kind: 'unknown-caller', address: '' } },
  ],
  'ambiguous-caller': [
    {
      situation: 'two live pods have the address',
      outcome: { kind: 'ambiguous-caller', address: '10.0.0.9', pods: [] },
    },
  ],
  'unknown-pod': [
    { situation: '`/host/token` names a pod that does not run here', outcome: { kind: 'unknown-pod', pod } },
  ],
  unconfirmed: row('the API server does not say, or refuses to, whether the pod still has the address', {
    kind: 'unconfirmed',
    pod,
  }),
  'rights-changed': row(
    'bindings or identities of the pod changed again and again while its request waited',
    { kind: 'rights-changed', pod },
  ),
  overloaded: [
    {
      situation:
        'no place is free to wait, for the pod (`--pod-waiting`), its namespace or the node, or too many of their rights wait for a review',
      outcome: { kind: 'overloaded', pod },
    },
  ],
  'too-fast': row('more requests than `--pod-requests-per-second`', {
    kind: 'too-fast',
    address: '10.0.0.9',
  }),
  denied: [
    denied('the pod has no ServiceAccount', { why: 'no-account' }),
    denied('the pod has no label', { why: 'no-label' }),
    denied('the pod has no label, and bindings of its namespace select others without it', {
      why: 'no-label',
      isUnselected: true,
    }),
    denied('the label of the pod is empty', { why: 'empty-label' }),
    denied('the labels of the pod, or an annotation for NMI, are too large to be read', {
      why: 'pod-too-large',
      fault: 'metadata.labels has more than 16384 characters',
    }),
    denied('no binding has the pod’s label as its selector', { why: 'no-binding', label: 'demo' }),
    denied('the binding has the pod’s label as its selector, but its other conditions are for other pods', {
      why: 'not-selected',
      binding: 'default/reader-binding',
    }),
    denied('the binding is for pods of another namespace', { why: 'other-namespace' }),
    denied('the AzureIdentity does not exist', {
      why: 'identity-missing',
      binding: 'default/reader-binding',
      identity,
    }),
    denied('the AzureIdentity is not valid', { why: 'identity-invalid', identity, fault: '(what is wrong)' }),
    denied('the pod does not have the requested identity', { why: 'not-this-identity', offered: ['a', 'b'] }),
    denied('the pod has several identities and the request names none', {
      why: 'several-identities',
      offered: ['a', 'b'],
    }),
    denied('the ServiceAccount of the pod has no right to use the identity', noRight),
  ],
  'access-unanswered': [
    ...row('the API server does not say whether the ServiceAccount may use the identity', unanswered),
    ...row('the API server takes longer to say so than the request may wait', {
      ...unanswered,
      why: 'late',
    }),
    ...row('the API server allows an invented user too, so its reviews mean nothing', {
      ...unanswered,
      why: 'allows-all',
    }),
  ],
  'not-assigned': [
    {
      situation: 'the metadata service does not know it within `--hold`',
      outcome: { kind: 'not-assigned', pod, identity, seen: 'unattached' },
    },
    missing('no binding selects it within 6 s', { why: 'no-binding', label: 'demo' }),
    missing('its ServiceAccount gets no right to use the identity within 6 s', noRight),
  ],
  'token-failed': [
    failed('the machine does not have the identity that an exempt pod requests', 'not-on-host', {
      status: 400,
      isExempt: true,
    }),
    failed('Azure rejects the request, such as an unknown resource', 'refused', { status: 400 }),
    failed('Azure refuses the identity, such as a wrong secret', 'denied', { status: 401 }),
    failed('the AzureIdentity contradicts Azure, or NMI cannot use it', 'misconfigured'),
    failed('Azure returns 429', 'throttled', { status: 429 }),
    failed('the pod or its namespace requests more new tokens than its share', 'throttled', silent),
    failed('Azure returns 429 without Retry-After', 'throttled', { ...silent, status: 429 }),
    failed('the metadata service is being updated (410)', 'updating', { status: 410 }),
    failed('the metadata service returns 410 without Retry-After', 'updating', { ...silent, status: 410 }),
    failed('Azure returns 5xx: the same status', 'unavailable', { status: 500 }),
    failed('Azure returns 5xx without Retry-After: the same status', 'unavailable', {
      ...silent,
      status: 500,
    }),
    failed('Azure returns 404', 'unavailable', { ...silent, status: 404 }),
    failed('Azure does not respond, or not with HTTP', 'unavailable', silent),
    failed('no federated credential trusts the broker, or `HTTPS_PROXY` is no address', 'proxy', silent),
  ],
  blocked: [
    {
      situation: '`--block-instance-metadata`, or not in `--metadata-allow`',
      outcome: { kind: 'blocked', family: 'instance' },
    },
  ],
  'proxy-failed': [
    ...row('metadata of the machine: no usable response', { kind: 'proxy-failed', why: 'unavailable' }),
    ...row('metadata of the machine: more than 1 MiB', { kind: 'proxy-failed', why: 'too-large' }),
  ],
  crashed: [{ situation: 'a bug', outcome: { kind: 'crashed' } }],
};

const rangeOf = (first = '', last = '') => (first === last ? first : `${first} to ${last}`);

export const errorRows: readonly ErrorRow[] = Object.values(samples)
  .flat()
  .map(({ situation, outcome }) => ({
    kind: outcome.kind,
    situation,
    ours: told(outcome),
  }));

function told(outcome: Outcome): ToldAnswer {
  const toldAt = (chance: number) =>
    respond(outcome, { nowMs: 0, notAssignedStatus: 503, random: () => chance });
  const { status, headers, body } = toldAt(0);
  const isPlain = ['token', 'host-token', 'proxied'].includes(outcome.kind);
  return {
    status,
    text: isPlain ? '' : Buffer.from(body).toString().trimEnd(),
    retryAfter: rangeOf(headers['Retry-After'], toldAt(0.999).headers['Retry-After']),
  };
}
