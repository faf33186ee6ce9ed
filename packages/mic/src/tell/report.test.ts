import type { Unbound } from '@pod-identity/policy';
import { describe, expect, test } from 'vitest';
import { assignment, assignmentWithoutId, validBinding } from '../plan/test/assignment.ts';
import { assigned, facts, hostOf, idOf, instanceOf, machine, now, pod } from '../plan/test/builders.ts';
import type { Assignment, Skip } from '../plan/types.ts';
import type { AssignedView } from '../snapshot/views.ts';
import type { Quarantine } from '../snapshot/facts/facts.ts';
import type { StepResult } from '../apply/apply-assignments.ts';
import type { HostResult } from '../apply/apply-host.ts';
import { reportHost } from './report-host.ts';
import { reportSkip, reportStep } from './report.ts';

const host = hostOf(instanceOf('vmss1'));
const noBinding = { why: 'no-binding', label: 'demo' } as const;
const at = { host, micPrincipalId: 'mic-object-id', forceNamespaced: false };
const quarantine: Quarantine = {
  until: now + 60_000,
  failures: 1,
  code: 'LinkedAuthorizationFailed',
  message: 'no right to assign',
};

const step = (result: Partial<StepResult>): StepResult => ({
  step: { kind: 'create', assignment: assignment() },
  state: 'Assigned',
  outcome: { kind: 'written', resourceVersion: '1' },
  ms: 1,
  ...result,
});
const eventsOf = (result: StepResult) =>
  reportStep(result, at).events.map(({ type, reason, message, involved }) => [
    type,
    reason,
    `${involved.kind} ${involved.namespace ?? ''}/${involved.name}`,
    message,
  ]);

describe('of a step', () => {
  test('Assigned: the line of the article, in the log and as an Event on the binding', () => {
    const said = 'Binding reader-binding applied on node node-0 for pod web-0';
    expect(eventsOf(step({}))).toEqual([
      ['Normal', 'binding applied', 'AzureIdentityBinding default/reader-binding', said],
    ]);
    expect(reportStep(step({}), at).lines).toMatchObject([{ level: 'info', message: said }]);
  });

  test('the log names pod, object and reason, so that a line can be found by each of them', () => {
    const remove = { kind: 'delete', current: assigned(), why: 'pod-gone' } as const;
    const object = { objectNamespace: 'default', objectName: 'web-0-shop-reader' };
    const told = (result: Partial<StepResult>) => reportStep(step(result), at).lines;
    expect(told({})).toMatchObject([
      { level: 'info', fields: { event: 'binding applied', podNamespace: 'shop', ...object } },
    ]);
    expect(told({ step: remove, state: 'removed', outcome: { kind: 'removed' } })).toEqual([
      {
        level: 'info',
        fields: { event: 'binding removed', podNamespace: 'shop', why: 'pod-gone' },
        message: 'Binding reader-binding removed from node node-0 for pod web-0',
      },
    ]);
    expect(told({ state: 'Created', waiting: { why: 'late' } })).toMatchObject([
      {
        level: 'info',
        fields: {
          event: 'WaitingForIdentity',
          podNamespace: 'shop',
          pod: 'web-0',
          identity: 'default/reader',
        },
      },
    ]);
    expect(told({ outcome: { kind: 'stale', message: 'modified' } })).toMatchObject([
      { level: 'debug', fields: { step: 'create', state: 'Assigned', ...object, why: 'modified' } },
    ]);
    expect(
      told({ step: remove, state: 'removed', outcome: { kind: 'failed', message: 'etcd' } }),
    ).toMatchObject([
      { level: 'warn', fields: { step: 'delete', state: 'removed', ...object, why: 'etcd' } },
    ]);
  });

  test('a write that the API server refuses is told to the pod, since one binding has room for few Events', () => {
    const outcome = { kind: 'failed', message: 'exceeded quota: records', isRefusal: true } as const;
    expect(eventsOf(step({ outcome })).map(([, reason, on, message]) => [reason, on, message])).toEqual([
      [
        'WaitingForIdentity',
        'Pod shop/web-0',
        'the API server refuses AzureAssignedIdentity default/web-0-shop-reader for identity default/reader; MIC tries again. The reason: exceeded quota: records',
      ],
      [
        'binding apply error',
        'AzureIdentityBinding default/reader-binding',
        expect.stringContaining('exceeded quota'),
      ],
    ]);
  });

  test('a rewrite that the API server refuses is not told to the pod, which has its identity', () => {
    const { meaning } = assigned();
    const update = { kind: 'update', assignment: assignment({ meaning }), current: assigned() } as const;
    const outcome = { kind: 'failed', message: 'exceeded quota', isRefusal: true } as const;
    const { events } = reportStep(step({ step: update, outcome }), at);
    expect(events.map(({ reason }) => reason)).toEqual(['binding apply error']);
  });

  test.each([
    [0, 0],
    [1, 1],
    [2, 0],
    [61, 1],
  ])(
    'a name that another object keeps is told to the pod: after %i attempts, %i Events',
    (refusals, count) => {
      const create = { kind: 'create', assignment: assignment() } as const;
      const outcome = {
        kind: 'stale',
        message: 'its name is taken by another pod',
        isRefusal: true,
      } as const;
      const { events } = reportStep(step({ step: create, outcome, refusals }), at);
      expect(events).toHaveLength(count);
      if (count > 0)
        expect(events).toMatchObject([
          {
            reason: 'WaitingForIdentity',
            message: expect.stringMatching(
              /^AzureAssignedIdentity default\/web-0-shop-reader .*delete it/,
            ) as string,
          },
        ]);
    },
  );

  test.each<[string, Partial<AssignedView>, boolean]>([
    ['of a pod that had its identity', { state: 'Assigned' }, false],
    ['of a pod that had its identity, as MIC before 1.5 wrote it', { state: '' }, false],
    ['of a pod that waited', { state: 'Created' }, true],
    ['of a pod that had another identity', { state: 'Assigned', meaning: 'another' }, true],
  ])('an object %s is rewritten', (_, before, isNews) => {
    const current: AssignedView = { ...assigned(), ...before };
    const { meaning } = assigned();
    const update = { kind: 'update', assignment: assignment({ meaning }), current } as const;
    const { events, lines } = reportStep(step({ step: update }), at);
    expect(events).toHaveLength(isNews ? 1 : 0);
    const message = isNews
      ? 'Binding reader-binding applied on node node-0 for pod web-0'
      : 'object of a pod that has its identity rewritten';
    expect(lines).toMatchObject([{ level: isNews ? 'info' : 'debug', message }]);
    if (!isNews) expect(lines[0]?.fields).toMatchObject({ step: 'update', state: 'Assigned' });
  });

  test('an Event refers to exactly the object, by its uid if known', () => {
    const known = assignment({ binding: validBinding({ metadata: { uid: 'binding-uid' } }) });
    const involved = (of: Assignment) =>
      reportStep(step({ step: { kind: 'create', assignment: of } }), at).events[0]?.involved;
    const named = {
      apiVersion: 'aadpodidentity.k8s.io/v1',
      kind: 'AzureIdentityBinding',
      namespace: 'default',
      name: 'reader-binding',
    };
    expect(involved(known)).toEqual({ ...named, uid: 'binding-uid' });
    expect(involved(assignment())).toStrictEqual(named);
    const created = step({ state: 'Created', waiting: { why: 'late' } });
    expect(reportStep(created, at).events[0]?.involved).toMatchObject({ kind: 'Pod', uid: 'uid-shop-web-0' });
  });

  test('removed where all is namespaced: on the binding of the same namespace', () => {
    const current = { ...assigned(), namespace: 'shop', binding: 'shop/payment' };
    const outcome = { kind: 'removed' } as const;
    const result = step({ step: { kind: 'delete', current, why: 'unbound' }, state: 'removed', outcome });
    expect(reportStep(result, { ...at, forceNamespaced: true }).events).toMatchObject([
      {
        type: 'Normal',
        reason: 'binding removed',
        involved: { kind: 'AzureIdentityBinding', namespace: 'shop', name: 'payment' },
      },
    ]);
  });

  test.each([
    [{ kind: 'removed' } as const, false],
    [{ kind: 'removed' } as const, true],
    [{ kind: 'failed', message: 'etcd' } as const, true],
  ])(
    'of an object in another namespace than the binding that it names: no Event there (%o)',
    (outcome, force) => {
      const current = { ...assigned(), namespace: 'evil', binding: 'shop/payment' };
      const result = step({ step: { kind: 'delete', current, why: 'unbound' }, state: 'removed', outcome });
      const { events, lines } = reportStep(result, { ...at, forceNamespaced: force });
      expect(events).toEqual([]);
      expect(lines).toHaveLength(1);
    },
  );

  test('of an object in the namespace for shared ones, if none are shared: no Event elsewhere', () => {
    const current = { ...assigned(), namespace: 'default', binding: 'shop/payment' };
    const outcome = { kind: 'removed' } as const;
    const result = step({ step: { kind: 'delete', current, why: 'unbound' }, state: 'removed', outcome });
    expect(reportStep(result, { ...at, forceNamespaced: true }).events).toEqual([]);
    expect(reportStep(result, at).events).toHaveLength(1);
  });

  test('Created because of the host: the pod gets an Event with the reason', () => {
    expect(eventsOf(step({ state: 'Created', waiting: { why: 'host', message: 'throttled' } }))[0]?.[3]).toBe(
      'identity default/reader cannot be attached to scale set vmss1 yet: throttled',
    );
  });

  test('Created because it was refused: pod and binding get an Event with the reason and the command that helps', () => {
    const events = eventsOf(step({ state: 'Created', waiting: { why: 'rejected', quarantine } }));
    expect(events.map(([type, reason, object]) => [type, reason, object])).toEqual([
      ['Warning', 'IdentityRejected', 'Pod shop/web-0'],
      ['Warning', 'binding apply error', 'AzureIdentityBinding default/reader-binding'],
    ]);
    expect(events[0]?.[3]).toContain('no right to assign');
    expect(events[0]?.[3]).toContain(
      'az role assignment create --role "Managed Identity Operator" --assignee-object-id mic-object-id',
    );
    // The end of an Event's message is cut off: the remedy must not be lost.
    expect(events[0]?.[3]).toMatch(/az role assignment create .* Azure said: /);
    expect(events[1]?.[3]).toBe(
      'failed to apply binding default/reader-binding node node-0 for pod shop/web-0, error: no right to assign',
    );
  });

  test('refused, of an identity without an id in Azure: only Azure’s message', () => {
    const result = step({
      step: { kind: 'create', assignment: assignmentWithoutId() },
      state: 'Created',
      waiting: { why: 'rejected', quarantine },
    });
    expect(eventsOf(result)[0]?.[3]).toBe(
      'identity default/reader cannot be attached to scale set vmss1 (LinkedAuthorizationFailed). Azure said: no right to assign',
    );
  });

  test.each([
    [host, 'scale set vmss1'],
    [hostOf(machine('vm-1')), 'virtual machine vm-1'],
    [undefined, 'node node-0'],
  ])('where a pod waits is named as its owner knows it: %o', (on, place) => {
    const waits = step({ state: 'Created', waiting: { why: 'late' } });
    expect(reportStep(waits, { ...at, host: on }).events).toMatchObject([
      {
        type: 'Warning',
        reason: 'WaitingForIdentity',
        message: `identity default/reader is being attached to ${place}`,
        involved: { kind: 'Pod', namespace: 'shop', name: 'web-0' },
      },
    ]);
  });

  test.each([
    [
      'create',
      step({ outcome: { kind: 'failed', message: 'etcd' } }),
      'binding apply error',
      'failed to create AzureAssignedIdentity default/web-0-shop-reader for pod shop/web-0, error: etcd',
    ],
    [
      'confirm',
      step({
        step: { kind: 'confirm', assignment: assignment(), current: assigned() },
        outcome: { kind: 'failed', message: 'etcd' },
      }),
      'binding apply error',
      'failed to update AzureAssignedIdentity default/web-0-shop-reader for pod shop/web-0, error: etcd',
    ],
    [
      'delete',
      step({
        step: { kind: 'delete', current: assigned(), why: 'unbound' },
        outcome: { kind: 'failed', message: 'etcd' },
      }),
      'binding remove error',
      'failed to remove AzureIdentityBinding default/reader-binding from node node-0 for pod shop/web-0, error: etcd',
    ],
  ])('a %s that failed', (...[, result, reason, message]) => {
    expect(eventsOf(result)).toEqual([
      ['Warning', reason, 'AzureIdentityBinding default/reader-binding', message],
    ]);
    expect(reportStep(result, at).lines).toMatchObject([{ level: 'warn' }]);
  });

  test('a pod without an assignment gets the reason, unless that is expected', () => {
    const of = (reason: 'no-binding' | 'finished' | 'not-scheduled', unbound?: Unbound) =>
      reportSkip({ pod: pod(), reason, ...(unbound && { unbound }) }).events;
    expect(of('no-binding', noBinding)).toMatchObject([
      {
        type: 'Warning',
        reason: 'IdentityNotFound',
        message: expect.stringMatching(
          /^Identity not found. No AzureIdentityBinding has the selector/,
        ) as string,
        involved: { kind: 'Pod', namespace: 'shop', name: 'web-0' },
      },
    ]);
    expect([of('finished'), of('not-scheduled')]).toEqual([[], []]);
  });

  test('the report on a pod whose labels have no room says so', () => {
    const told = (more: object) =>
      reportSkip({ pod: { ...pod(), ...more }, reason: 'no-binding', unbound: noBinding }).events[0]
        ?.message ?? '';
    expect(told({ labelsLeftOut: true })).toMatch(
      /^Identity not found.*no room for the labels.*fewer labels/,
    );
    expect(told({})).not.toMatch(/no room/);
  });

  const bindingKey = 'shop/reader-binding';
  const named = { binding: bindingKey, identity: 'shop/reader' };
  test.each<[Omit<Skip, 'pod'>, reason: string, words: RegExp]>([
    [
      { reason: 'not-selected', unbound: { why: 'not-selected', ...named } },
      'IdentityNotFound',
      /shop\/reader-binding .*is for other pods\.$/,
    ],
    [
      {
        reason: 'identity-invalid',
        unbound: { why: 'identity-invalid', ...named, fault: 'spec.type must be 0' },
      },
      'IdentityNotFound',
      /AzureIdentity shop\/reader is not valid: spec.type must be 0/,
    ],
    [
      { reason: 'node-without-host', ...named, detail: 'it is on AWS' },
      'IdentityNotBound',
      /^AzureIdentity shop\/reader is a managed identity.*; run the pod on an Azure node: it is on AWS$/,
    ],
    [{ reason: 'too-many-bindings', ...named }, 'IdentityNotBound', /shop\/reader-binding and later/],
  ])('a pod that is left out is told which object is at fault: %o', (skip, reason, words) => {
    const { events, lines } = reportSkip({ pod: pod(), ...skip });
    expect(events).toMatchObject([
      { type: 'Warning', reason, message: expect.stringMatching(words) as string },
    ]);
    const fields = { event: reason, podNamespace: 'shop', pod: 'web-0', why: skip.reason };
    expect(lines).toMatchObject([{ level: 'debug', fields, message: events[0]?.message }]);
  });

  test.each(['access-denied', 'access-warned'] as const)(
    'a pod without a right (%s) is told in one line, which an Event does not cut off, how to see the roles',
    (reason) => {
      const id = `/subscriptions/${'0'.repeat(36)}/resourcegroups/${'g'.repeat(90)}/providers/microsoft.managedidentity/userassignedidentities/${'i'.repeat(128)}`;
      const subject = { namespace: 'shop', name: 'web' };
      const access = { subject, targets: [{ resource: 'managedidentities', names: [id] }] } as const;
      const { events } = reportSkip({ pod: pod(), reason, ...named, access });
      const message = events[0]?.message ?? '';
      expect(message).toMatch(new RegExp(`^[^\\n]*: kubectl .* access shop/web ${id}$`));
      expect(message.length).toBeLessThanOrEqual(1_024);
    },
  );

  test('fenced writes, objects that were gone and stale plans are not reported', () => {
    const confirm = { kind: 'confirm', assignment: assignment(), current: assigned() } as const;
    for (const silent of [
      step({ outcome: { kind: 'fenced' } }),
      step({ step: confirm, outcome: { kind: 'removed' } }),
    ])
      expect(reportStep(silent, at)).toEqual({ events: [], lines: [] });
    expect(eventsOf(step({ outcome: { kind: 'stale', message: 'x' } }))).toEqual([]);
  });
});

describe('of a host', () => {
  const before = facts(host);
  const result = (different: Partial<Extract<HostResult, { kind: 'changed' }>>): HostResult => ({
    kind: 'changed',
    host,
    before,
    after: before,
    at: now,
    ms: 5,
    change: { attach: [idOf('reader')], renew: [], detach: [] },
    outcome: { rejected: [], patches: 1 },
    ...different,
  });
  const affected = {
    micPrincipalId: undefined,
    pods: [{ pod: pod(), resourceId: idOf('reader') }],
    identities: [{ namespace: 'default', name: 'reader', resourceId: idOf('reader') }],
  };
  const report = (of: HostResult) => reportHost(of, () => affected);

  test('a change names exactly the changed and refused identities', () => {
    const id = idOf('reader');
    const fieldsOf = (different: Partial<Extract<HostResult, { kind: 'changed' }>>) =>
      report(result(different)).lines[0]?.fields;
    expect(report(result({}))).toMatchObject({
      events: [],
      lines: [{ level: 'info', message: 'identities of scale set vmss1 changed' }],
    });
    expect(fieldsOf({})).toStrictEqual({ host: host.id, attach: [id], patches: 1, ms: 5 });
    const change = { attach: [], renew: [id], detach: [idOf('old')] };
    const rejected = [{ id, code: 'Unknown', message: 'no' } as const];
    expect(fieldsOf({ change, outcome: { rejected, patches: 2 } })).toStrictEqual({
      host: host.id,
      attach: [],
      renew: [id],
      detach: [idOf('old')],
      rejected: [{ id, code: 'Unknown' }],
      patches: 2,
      ms: 5,
    });
    const withdrawn = { attach: [], again: [idOf('again')], renew: [], detach: [], withdraw: [id] };
    expect(fieldsOf({ change: withdrawn })).toStrictEqual({
      host: host.id,
      attach: [],
      again: [idOf('again')],
      withdraw: [id],
      patches: 1,
      ms: 5,
    });
  });

  test('a refused identity is reported once to its AzureIdentity and to the waiting pods, by the name that each of them uses', () => {
    const after = { ...before, quarantined: new Map([[idOf('reader'), quarantine]]) };
    const identities = [{ ...affected.identities[0]!, uid: 'identity-uid' }];
    const told = { ...affected, identities, micPrincipalId: 'mic-object-id' };
    const { events, lines } = reportHost(result({ after }), () => told);
    const words = (name: string) =>
      new RegExp(
        `^identity ${name} cannot be attached to scale set vmss1 \\(LinkedAuthorizationFailed\\)\\. .*mic-object-id`,
      );
    expect(events.map(({ reason, involved }) => [reason, involved.kind, involved.name])).toEqual([
      ['IdentityRejected', 'AzureIdentity', 'reader'],
      ['IdentityRejected', 'Pod', 'web-0'],
    ]);
    expect(report(result({ before: after, after })).events).toEqual([]);
    expect(lines.at(-1)).toMatchObject({ level: 'warn', message: 'identity rejected by Azure' });
    expect(events[0]?.message).toMatch(words('default/reader'));
    expect(events[1]?.message).toMatch(words(idOf('reader')));
    expect(events[0]?.involved).toEqual({
      apiVersion: 'aadpodidentity.k8s.io/v1',
      kind: 'AzureIdentity',
      namespace: 'default',
      name: 'reader',
      uid: 'identity-uid',
    });
    expect(report(result({ after })).events[0]?.involved).not.toHaveProperty('uid');
    expect(lines.at(-1)?.fields).toEqual({
      host: host.id,
      identity: idOf('reader'),
      code: 'LinkedAuthorizationFailed',
      why: 'no right to assign',
      failures: 1,
      forSeconds: 60,
    });
  });

  test('a new failure of a host is logged, with how long the host is not called', () => {
    const refusal = { kind: 'throttled', message: 'slow down', retryAfterMs: 30_000, scope: 'host' } as const;
    const lastFailure = { kind: 'throttled', message: 'slow down', failures: 1 } as const;
    const after = { ...before, lastFailure, notBefore: now + 30_000 };
    const lines = report(result({ outcome: { rejected: [], refusal, patches: 0 }, after })).lines;
    expect(lines).toMatchObject([
      { message: 'identities of scale set vmss1 not changed' },
      { level: 'warn', fields: { kind: 'throttled', why: 'slow down', forSeconds: 30 } },
    ]);
  });

  test('a failure that continues or has ended is not logged again; one without a pause names no time', () => {
    const lastFailure = { kind: 'denied', message: 'no', failures: 1 } as const;
    const ill = { ...before, lastFailure };
    expect(report(result({ before: ill, after: ill })).lines).toHaveLength(1);
    expect(report(result({ before: ill, after: before })).lines).toHaveLength(1);
    const { lines } = report(result({ after: { ...ill, notBefore: now } }));
    expect(lines[1]?.fields).toStrictEqual({ host: host.id, kind: 'denied', why: 'no' });
  });

  test('an update that failed after it was accepted: pods whose objects were already written get one Event', () => {
    const lastFailure = { kind: 'failed', message: 'no capacity', failures: 1 } as const;
    const unapplied = new Set([idOf('reader')]);
    const failed = (lateFailures: number, over: object = {}) => ({
      ...before,
      lateFailures,
      lastFailure,
      unapplied,
      ...over,
    });
    const asked: ReadonlySet<string>[] = [];
    const told = (from: typeof before, to: typeof before) =>
      reportHost(result({ before: from, after: to }), (ids) => {
        asked.push(ids);
        return affected;
      }).events.map(({ reason, involved, message }) => [reason, involved.kind, message]);
    const words = `identity ${idOf('reader')} cannot be attached to scale set vmss1 yet: no capacity`;
    expect(told(before, failed(1))).toEqual([['WaitingForIdentity', 'Pod', words]]);
    expect(asked).toEqual([unapplied]);
    // It continues: no further Event.
    expect(told(failed(1), failed(2))).toEqual([]);
    expect(told(failed(1), failed(1))).toEqual([]);
    // It had ended in between.
    expect(told(failed(1, { lastFailure: undefined }), failed(2))).toHaveLength(1);
    // The earlier failure was of another kind: these pods have no Event for it.
    expect(told({ ...before, lastFailure: { ...lastFailure, kind: 'throttled' } }, failed(1))).toHaveLength(
      1,
    );
    // The reason is unknown.
    expect(told(before, failed(1, { lastFailure: undefined }))).toEqual([
      ['WaitingForIdentity', 'Pod', words.replace('no capacity', '')],
    ]);
    // The log has the change and the failure.
    expect(report(result({ after: failed(1) })).lines.map(({ level }) => level)).toEqual(['info', 'warn']);
  });

  test('a read without news is not reported', () => {
    const reading = { kind: 'read', present: new Map() } as const;
    expect(report({ kind: 'read', host, before, after: before, at: now, ms: 1, outcome: reading })).toEqual({
      events: [],
      lines: [],
    });
  });
});
