import { describe, expect, test } from 'vitest';
import {
  assigned,
  binding,
  facts,
  hostOf,
  identity,
  idOf,
  instanceOf,
  now,
  pod,
} from '../plan/test/builders.ts';
import type { Assignment } from '../plan/types.ts';
import type { Quarantine } from '../snapshot/facts.ts';
import type { StepResult } from './apply-assignments.ts';
import type { HostResult } from './apply-host.ts';
import { reportHost } from './report-host.ts';
import { reportSkip, reportStep } from './report.ts';

const host = hostOf(instanceOf('vmss1'));
const at = { host, micPrincipalId: 'mic-object-id', forceNamespaced: false };
const quarantine: Quarantine = {
  until: now + 60_000,
  failures: 1,
  code: 'LinkedAuthorizationFailed',
  message: 'no right to assign',
};

function assignment(): Assignment {
  const [identityView, bindingView] = [identity(), binding()];
  if (identityView.kind !== 'valid' || bindingView.kind !== 'valid') throw new TypeError('invalid');
  return {
    ...{ key: 'k', pod: pod(), identity: identityView.identity, binding: bindingView.binding, meaning: 'm' },
    ...{ resourceId: idOf('reader'), objectNamespace: 'default', objectName: 'web-0-shop-reader' },
  };
}
const step = (result: Partial<StepResult>): StepResult => ({
  step: { kind: 'create', assignment: assignment() },
  ...{ state: 'Assigned', outcome: { kind: 'written', resourceVersion: '1' }, ms: 1 },
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

  test('removed: on the binding', () => {
    const result = step({
      step: { kind: 'delete', current: assigned(), why: 'pod-gone' },
      state: 'removed',
      outcome: { kind: 'removed' },
    });
    expect(eventsOf(result)).toEqual([
      [
        'Normal',
        'binding removed',
        'AzureIdentityBinding default/reader-binding',
        'Binding reader-binding removed from node node-0 for pod web-0',
      ],
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

  test('of an object in the namespace for shared ones, where none are shared: no Event elsewhere', () => {
    const current = { ...assigned(), namespace: 'default', binding: 'shop/payment' };
    const outcome = { kind: 'removed' } as const;
    const result = step({ step: { kind: 'delete', current, why: 'unbound' }, state: 'removed', outcome });
    expect(reportStep(result, { ...at, forceNamespaced: true }).events).toEqual([]);
    expect(reportStep(result, at).events).toHaveLength(1);
  });

  test('Created because it is late: the pod is told what it waits for', () => {
    expect(eventsOf(step({ state: 'Created', waiting: { why: 'late' } }))).toEqual([
      [
        'Warning',
        'WaitingForIdentity',
        'Pod shop/web-0',
        'identity default/reader is being attached to scale set vmss1',
      ],
    ]);
  });

  test('Created because of the host: the pod is told why', () => {
    expect(eventsOf(step({ state: 'Created', waiting: { why: 'host', message: 'throttled' } }))[0]?.[3]).toBe(
      'identity default/reader cannot be attached to scale set vmss1 yet: throttled',
    );
  });

  test('Created because it was refused: pod and binding are told why, with the command that helps', () => {
    const events = eventsOf(step({ state: 'Created', waiting: { why: 'rejected', quarantine } }));
    expect(events.map(([type, reason, object]) => [type, reason, object])).toEqual([
      ['Warning', 'IdentityRejected', 'Pod shop/web-0'],
      ['Warning', 'binding apply error', 'AzureIdentityBinding default/reader-binding'],
    ]);
    expect(events[0]?.[3]).toContain('no right to assign');
    expect(events[0]?.[3]).toContain(
      'az role assignment create --role "Managed Identity Operator" --assignee-object-id mic-object-id',
    );
    // An Event's message is cut off at its end: the remedy must not be what is lost.
    expect(events[0]?.[3]).toMatch(/az role assignment create .* Azure said: /);
    expect(events[1]?.[3]).toBe(
      'failed to apply binding default/reader-binding node node-0 for pod shop/web-0, error: no right to assign',
    );
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

  test('a pod that gets nothing is told why, unless that is as it should be', () => {
    const of = (reason: 'no-binding' | 'finished' | 'not-scheduled') =>
      reportSkip({ pod: pod(), reason }).events;
    expect(of('no-binding')).toMatchObject([
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

  test("what was fenced off, or planned from an old view, is nobody's business", () => {
    expect(reportStep(step({ outcome: { kind: 'fenced' } }), at)).toEqual({ events: [], lines: [] });
    expect(eventsOf(step({ outcome: { kind: 'stale', message: 'x' } }))).toEqual([]);
  });
});

describe('of a host', () => {
  const before = facts(host);
  const result = (different: Partial<Extract<HostResult, { kind: 'changed' }>>): HostResult => ({
    ...{ kind: 'changed', host, before, after: before, at: now, ms: 5 },
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

  test('a change is one line that names what was attached', () => {
    expect(report(result({})).lines).toMatchObject([
      {
        level: 'info',
        fields: { attach: [idOf('reader')], patches: 1 },
        message: 'identities of scale set vmss1 changed',
      },
    ]);
    expect(report(result({})).events).toEqual([]);
  });

  test('a refused identity: its AzureIdentity and the pods that wait already are told, once for each failure', () => {
    const after = { ...before, quarantined: new Map([[idOf('reader'), quarantine]]) };
    const { events, lines } = report(result({ after }));
    expect(events.map(({ reason, involved }) => [reason, involved.kind, involved.name])).toEqual([
      ['IdentityRejected', 'AzureIdentity', 'reader'],
      ['IdentityRejected', 'Pod', 'web-0'],
    ]);
    expect(lines.at(-1)).toMatchObject({
      level: 'warn',
      message: 'identity rejected by Azure',
      fields: { forSeconds: 60 },
    });
    expect(report(result({ before: after, after })).events).toEqual([]);
  });

  test('trouble is told when it is new, with how long the host is left alone', () => {
    const refusal = { kind: 'throttled', message: 'slow down', retryAfterMs: 30_000, scope: 'host' } as const;
    const trouble = { kind: 'throttled', message: 'slow down', at: now, failures: 1 } as const;
    const after = { ...before, trouble, notBefore: now + 30_000 };
    const lines = report(result({ outcome: { rejected: [], refusal, patches: 0 }, after })).lines;
    expect(lines).toMatchObject([
      { message: 'identities of scale set vmss1 not changed' },
      { level: 'warn', fields: { kind: 'throttled', why: 'slow down', forSeconds: 30 } },
    ]);
  });

  test('a reading that says nothing new is silent', () => {
    const reading = { kind: 'read', present: new Map(), systemAssigned: false } as const;
    expect(report({ kind: 'read', host, before, after: before, at: now, ms: 1, outcome: reading })).toEqual({
      events: [],
      lines: [],
    });
  });
});
