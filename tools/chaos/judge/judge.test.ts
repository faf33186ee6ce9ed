// Each rule with a history that keeps it and one that violates it, so that the harness is known to find violations.
import { describe, expect, test } from 'vitest';
import type { FaultName } from '../plan/faults.ts';
import type { Ask, History, KubeObject, ObjectChange } from './history.ts';
import { judgeHosts } from './hosts.ts';
import { judge, notesBefore } from './judge.ts';
import { slowRecovery } from './limits.ts';

const [own, others] = ['/subscriptions/s/identities/own', '/subscriptions/s/identities/others'];
const address = '127.0.21.10';
const emptyHistory: History = {
  changes: [],
  addresses: [],
  asks: [],
  writes: [],
  patches: [],
  azure: [],
  exits: [],
  lines: [],
  errors: [],
  resources: [],
  faults: [],
  disturbances: [],
  standstills: [],
  notes: [],
  strikes: [],
};

function change(at: number, resource: string, object: KubeObject): ObjectChange {
  const { namespace = '', name } = object.metadata;
  return { at, resource, namespace, name, object };
}
const gone = ({ resource, namespace, name }: ObjectChange, at: number): ObjectChange => ({
  at,
  resource,
  namespace,
  name,
  object: undefined,
});

const pod = (name: string, labels: Record<string, string>): KubeObject => ({
  metadata: { namespace: 'team-a', name, labels },
});
const identity = change(0, 'azureidentities', {
  metadata: { namespace: 'team-a', name: 'identity' },
  spec: { resourceID: own },
});
const binding = change(0, 'azureidentitybindings', {
  metadata: { namespace: 'team-a', name: 'binding' },
  spec: { azureIdentity: 'identity', selector: 'blue' },
});
const labelled = change(0, 'pods', pod('web', { aadpodidbinding: 'blue' }));
const plain = change(0, 'pods', pod('next', {}));

const ask = (at: number, resourceId: string): Ask => ({
  at,
  endedAt: at + 20,
  node: 'pool-0',
  address,
  status: 200,
  reason: '',
  clientId: 'c',
  token: { clientId: 'c', resourceId },
  reused: true,
});

/** A pod that may use `own`, with its address from the beginning. */
const scene: History = {
  ...emptyHistory,
  changes: [identity, binding, labelled, plain],
  addresses: [{ at: 0, address, pod: 'team-a/web' }],
};
const rules = (history: Partial<History>): string[] =>
  judge({ ...scene, ...history }).map(({ rule }) => rule);

describe('tokens', () => {
  test('a pod may get tokens of the identities that are bound to it, and of no others', () => {
    expect(rules({ asks: [ask(60_000, own)] })).toEqual([]);
    expect(rules({ asks: [ask(60_000, others)] })).toEqual(['token']);
  });

  test('the next pod of an address never gets a token of the pod before it', () => {
    const addresses = [...scene.addresses, { at: 59_990, address, pod: 'team-a/next' }];
    expect(rules({ addresses, asks: [ask(60_000, own)] })).toEqual(['token']);
    // The address got a new pod during the call.
    expect(rules({ addresses, asks: [ask(59_980, own)] })).toEqual([]);
  });

  test('a token for an address without a pod is a violation', () => {
    const addresses = [...scene.addresses, { at: 50_000, address, pod: undefined }];
    expect(rules({ addresses, asks: [ask(60_000, own)] })).toEqual(['token']);
  });

  test('a revoked right may be used for 5 seconds, and longer only while NMI got no updates', () => {
    const changes = [...scene.changes, gone(binding, 60_000)];
    expect(rules({ changes, asks: [ask(64_000, own)] })).toEqual([]);
    expect(rules({ changes, asks: [ask(66_000, own)] })).toEqual(['token']);
    const disturbances = [{ kind: 'api-outage', startedAt: 59_000, endedAt: 70_000 }];
    expect(rules({ changes, disturbances, asks: [ask(77_000, own)] })).toEqual([]);
    expect(rules({ changes, disturbances, asks: [ask(79_000, own)] })).toEqual(['token']);
    const halfOpen = [{ kind: 'watches-half-open', startedAt: 60_000, endedAt: 60_000 }];
    expect(rules({ changes, disturbances: halfOpen, asks: [ask(151_000, own)] })).toEqual([]);
    expect(rules({ changes, disturbances: halfOpen, asks: [ask(156_000, own)] })).toEqual(['token']);
  });

  test('two disturbances count as one if the second begins before the first had to be over', () => {
    const changes = [...scene.changes, gone(binding, 60_000)];
    const first = { kind: 'watches-half-open', startedAt: 59_000, endedAt: 59_000 };
    const second = (startedAt: number) => ({ kind: 'api-outage', startedAt, endedAt: 165_000 });
    const asks = [ask(166_000, own)];
    expect(rules({ changes, disturbances: [first, second(150_000)], asks })).toEqual([]);
    expect(rules({ changes, disturbances: [first, second(155_000)], asks })).toEqual(['token']);
  });

  test('a pod with an exception may get any token', () => {
    const exempt = change(0, 'pods', pod('web', { exempt: 'yes' }));
    const exception = change(0, 'azurepodidentityexceptions', {
      metadata: { namespace: 'team-a', name: 'e' },
      spec: { podLabels: { exempt: 'yes' } },
    });
    expect(rules({ changes: [exempt, exception], asks: [ask(60_000, others)] })).toEqual([]);
    expect(rules({ changes: [exempt], asks: [ask(60_000, others)] })).toEqual(['token']);
  });

  test('of another identity than the pod asked for is a violation', () => {
    const asking = (asked: NonNullable<Ask['asked']>) => rules({ asks: [{ ...ask(60_000, own), asked }] });
    expect([asking({ clientId: 'C' }), asking({ resourceId: own })]).toEqual([[], []]);
    expect([asking({ clientId: 'd' }), asking({ resourceId: others })]).toEqual([['token'], ['token']]);
  });

  describe('in mode rbac', () => {
    const right = (subject: object) =>
      change(0, 'clusterrolebindings', {
        metadata: { name: 'use-own-x' },
        roleRef: { name: 'use-own' },
        subjects: [subject],
      });
    const team = right({ kind: 'Group', name: 'system:serviceaccounts:team-a' });
    const given = (...changes: ObjectChange[]) => [...scene.changes, ...changes];

    test('a pod needs the right as well: its namespace, or its ServiceAccount', () => {
      const asks = [ask(60_000, own)];
      const account = right({ kind: 'ServiceAccount', namespace: 'team-a', name: 'web' });
      const owner = change(1, 'pods', {
        ...pod('web', { aadpodidbinding: 'blue' }),
        spec: { serviceAccountName: 'web' },
      });
      const stranger = right({ kind: 'Group', name: 'system:serviceaccounts:team-b' });
      expect(rules({ changes: given(team), asks })).toEqual([]);
      expect(rules({ changes: given(owner, account), asks })).toEqual([]);
      expect(rules({ changes: given(account), asks })).toEqual(['token']);
      expect(rules({ changes: given(stranger), asks })).toEqual(['token']);
    });

    describe('a withdrawn right gives tokens', () => {
      const changes = given(team, gone(team, 60_000));
      const during = (kind: string, endedAt = 70_000) => [{ kind, startedAt: 59_000, endedAt }];
      const at = (ms: number, over: Partial<History> = {}) =>
        rules({ changes, asks: [ask(ms, own)], ...over });

      test('for 7 seconds, and longer while the API server does not respond', () => {
        expect([at(66_000), at(68_000)]).toEqual([[], ['token']]);
        const disturbances = during('api-outage');
        expect([at(77_000, { disturbances }), at(79_000, { disturbances })]).toEqual([[], ['token']]);
      });

      test('no longer while a watch is half-open', () => {
        expect(at(68_000, { disturbances: during('watches-half-open') })).toEqual(['token']);
      });

      test('for ten minutes at most', () => {
        const disturbances = during('api-outage', 1_000_000);
        expect([at(660_000, { disturbances }), at(668_000, { disturbances })]).toEqual([[], ['token']]);
      });
    });
  });

  test('the client id of a response is that of its token', () => {
    expect(rules({ asks: [{ ...ask(60_000, own), clientId: 'another' }] })).toEqual(['token']);
  });
});

describe('fencing', () => {
  const lease = (at: number, holderIdentity: string) =>
    change(at, 'leases', { metadata: { namespace: 'system', name: 'mic' }, spec: { holderIdentity } });
  const changes = [lease(0, 'mic-1'), lease(10_000, 'mic-2')];
  const write = { method: 'POST', path: '/api/v1/namespaces/team-a/events', status: 201 };

  test('a MIC writes only under its own Lease, Events included', () => {
    expect(rules({ changes, writes: [{ ...write, at: 9_000, component: 'mic-1' }] })).toEqual([]);
    expect(rules({ changes, writes: [{ ...write, at: 10_500, component: 'mic-1' }] })).toEqual(['fencing']);
    expect(rules({ changes, writes: [{ ...write, at: 10_500, component: 'mic-2' }] })).toEqual([]);
  });

  test('what arrives after the Lease was given back is late, though nobody leads yet', () => {
    const released = [...changes, lease(20_000, '')];
    expect(rules({ changes: released, writes: [{ ...write, at: 20_001, component: 'mic-2' }] })).toEqual([
      'fencing',
    ]);
    expect(rules({ changes: released, writes: [{ ...write, at: 20_000, component: 'mic-2' }] })).toEqual([]);
    expect(rules({ changes: [], writes: [{ ...write, at: 5, component: 'mic-2' }] })).toEqual([]);
  });

  test('a write of the Lease itself is allowed', () => {
    const path = '/apis/coordination.k8s.io/v1/namespaces/system/leases/mic';
    const writes = [{ ...write, at: 10_500, component: 'mic-1', path, method: 'PUT' }];
    expect(rules({ changes, writes })).toEqual([]);
  });

  test('a write that was under way when the process was stopped is allowed, a later one is not', () => {
    const standstills = [{ component: 'mic-1', endedAt: 12_000 }];
    const at = (ms: number) => [{ ...write, at: ms, component: 'mic-1' }];
    expect(rules({ changes, standstills, writes: at(12_100) })).toEqual([]);
    expect(rules({ changes, standstills, writes: at(12_400) })).toEqual(['fencing']);
  });

  test('a PATCH in ARM is a write as well', () => {
    const patch = { host: 'h', isAccepted: false, attaches: [], detaches: [] };
    expect(rules({ changes, patches: [{ ...patch, at: 11_000, component: 'mic-1' }] })).toEqual(['fencing']);
  });
});

describe('what users attached', () => {
  const attached = { at: 0, kind: 'attached', host: 'h', id: others } as const;
  const patch = { component: 'mic-1', host: 'h', isAccepted: true, attaches: [], detaches: [] };
  const record = (at: number, confirmed: boolean) =>
    change(at, 'configmaps', {
      metadata: { namespace: 'system', name: 'mic-host-vm-h' },
      data: { 'record.json': JSON.stringify({ host: { id: 'h' }, ours: [{ id: others, confirmed }] }) },
    });

  test('stays, and what MIC attached may be detached', () => {
    expect(rules({ azure: [attached], patches: [{ ...patch, at: 5_000, detaches: [others] }] })).toEqual([
      'foreign',
    ]);
    const patches = [
      { ...patch, at: 5_000, attaches: [others] },
      { ...patch, at: 6_000, detaches: [others] },
    ];
    expect(rules({ patches })).toEqual([]);
  });

  test('may be detached while it is a dead entry, and is still theirs after that', () => {
    const azure = [attached, { at: 1_000, kind: 'identity-created', id: others }] as const;
    const renewal = [
      { ...patch, at: 5_000, detaches: [others] },
      { ...patch, at: 5_500, attaches: [others] },
    ];
    expect(rules({ azure, patches: renewal })).toEqual([]);
    expect(rules({ azure, patches: [...renewal, { ...patch, at: 9_000, detaches: [others] }] })).toEqual([
      'foreign',
    ]);
    expect(judgeHosts({ ...scene, azure, patches: renewal }).people.get('h')).toEqual(new Set([others]));
  });

  test('is not recorded as MIC’s', () => {
    expect(rules({ azure: [attached], changes: [record(2_000, true)] })).toEqual(['foreign']);
    expect(rules({ azure: [attached], changes: [record(2_000, false)] })).toEqual([]);
    expect(rules({ changes: [record(2_000, true)] })).toEqual([]);
  });

  test('at the same time as MIC belongs to either', () => {
    const patches = [{ ...patch, at: 500, attaches: [others] }];
    const verdict = judgeHosts({ ...scene, azure: [attached], patches });
    expect([verdict.people.get('h'), verdict.either.get('h')]).toEqual([new Set(), new Set([others])]);
  });

  test('ends with the host, or when users detach it', () => {
    for (const end of [
      { at: 1_000, kind: 'host-emptied', host: 'h' },
      { at: 1_000, kind: 'detached', host: 'h', id: others },
    ] as const)
      expect(judgeHosts({ ...scene, azure: [attached, end] }).people.get('h')).toEqual(new Set());
  });
});

describe('limits', () => {
  test('more PATCHes of a host in a minute than ARM accepts, from any sender', () => {
    const patches = (count: number) =>
      Array.from({ length: count }, (_, n) => ({
        at: n * 4_000,
        component: `mic-${(n % 2) + 1}`,
        host: 'h',
        isAccepted: true,
        attaches: [],
        detaches: [],
      }));
    expect(rules({ patches: patches(12) })).toEqual([]);
    expect(rules({ patches: patches(13) })).toEqual(['arm-budget']);
  });

  test('a process that prints too many lines, and one that ends by itself', () => {
    const line = { at: 60_000, service: 'mic 1', minute: 0 };
    expect(rules({ lines: [{ ...line, lines: 1_500 }] })).toEqual([]);
    expect(rules({ lines: [{ ...line, lines: 1_501 }] })).toEqual(['log-lines']);
    const exit = { at: 0, service: 'mic 1', lastLine: 'fatal' };
    expect(rules({ exits: [{ ...exit, isExpected: true }] })).toEqual([]);
    expect(rules({ exits: [{ ...exit, isExpected: false }] })).toEqual(['exit']);
  });

  test('a line of level error that no fault in force explains', () => {
    const error = (at: number, message: string) => [{ at, service: 'mic 1', message }];
    const unread = 'host records cannot be read; nothing is done before they are';
    const faults = [{ kind: 'api-outage', startedAt: 1_000, endedAt: 5_000 }];
    expect(rules({ faults, errors: error(6_000, unread) })).toEqual([]);
    expect(rules({ faults, errors: error(500, unread) })).toEqual(['error-line']);
    expect(rules({ faults, errors: error(60_000, unread) })).toEqual(['error-line']);
    expect(rules({ faults, errors: error(2_000, 'request failed') })).toEqual(['error-line']);
    const other = [{ kind: 'arm-429', startedAt: 1_000, endedAt: 5_000 }];
    expect(rules({ faults: other, errors: error(2_000, unread) })).toEqual(['error-line']);
  });

  test('a process with too much memory, however long its event loop waits', () => {
    const resources = (memoryMiB: number) => [{ at: 0, service: 'nmi pool-0', memoryMiB, lagMs: 9_000 }];
    expect(rules({ resources: resources(200) })).toEqual([]);
    expect(rules({ resources: resources(201) })).toEqual(['memory']);
  });

  test('no request over a kept connection', () => {
    expect(rules({ asks: [{ ...ask(60_000, own), reused: false }] })).toEqual(['no-hit']);
  });

  test('a fault that never struck, and of faults at random times one of three', () => {
    const strikes = (kind: string, ...hits: number[]) => hits.map((count) => ({ at: 0, kind, hits: count }));
    expect(rules({ strikes: strikes('api-errors-nmi', 0, 4) })).toEqual([]);
    expect(rules({ strikes: strikes('api-errors-nmi', 0) })).toEqual(['no-hit']);
    expect(rules({ strikes: strikes('passing arm-429', 0, 0) })).toEqual([]);
    expect(rules({ strikes: strikes('passing arm-429', 0, 0, 0) })).toEqual(['no-hit']);
  });

  test('an Event of one team that names an object of the other', () => {
    const event = (message: string) =>
      change(0, 'events', { metadata: { namespace: 'team-a', name: 'e' }, message });
    expect(rules({ changes: [event('binding team-a-binding-1 applied')] })).toEqual([]);
    expect(rules({ changes: [event('binding team-b-binding-2 is of no use here')] })).toEqual([
      'event-names',
    ]);
  });
});

test('a violation lists what was done before it', () => {
  const notes = [
    { at: 1_000, what: 'first' },
    { at: 2_000, what: 'second' },
    { at: 9_000, what: 'later' },
  ];
  expect(notesBefore({ ...scene, notes }, { at: 2_500, rule: 'token', what: '' }, 1)).toEqual([
    '-500 ms: second',
  ]);
});

test.each<[FaultName, number, boolean]>([
  ['mic-killed', 10_000, true],
  ['mic-killed', 10_001, false],
  ['api-outage-410', 10_001, false],
  ['watches-half-open', 100_000, true],
  ['watches-half-open', 100_001, false],
])('%s overcome after %i ms is soon enough: %s', (kind, ms, isSoon) => {
  expect(slowRecovery({ kind, ms }) === undefined).toBe(isSoon);
});
