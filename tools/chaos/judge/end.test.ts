import { describe, expect, test } from 'vitest';
import { problemOf, lastRequests, problemsOf, type EndView } from './end.ts';
import type { KubeObject } from './history.ts';

const [used, foreign] = ['/s/identities/used', '/s/identities/foreign'];
const conditions = (status: string, reason: string) => ({ conditions: [{ type: 'Ready', status, reason }] });

const pod: KubeObject = {
  metadata: { namespace: 'team-a', name: 'web', labels: { aadpodidbinding: 'blue' } },
  spec: { nodeName: 'node' },
};
const identity: KubeObject = {
  metadata: { namespace: 'team-a', name: 'identity' },
  spec: { resourceID: used },
  status: conditions('True', 'Attached'),
};
const binding: KubeObject = {
  metadata: { namespace: 'team-a', name: 'binding' },
  spec: { azureIdentity: 'identity', selector: 'blue' },
  status: conditions('True', 'Bound'),
};
const assigned: KubeObject = {
  metadata: { namespace: 'team-a', name: 'web-team-a-identity' },
  spec: { pod: 'web', podNamespace: 'team-a', nodename: 'node', azureIdentityRef: identity },
  status: { status: 'Assigned' },
};
const recordOf = (...ours: { id: string; confirmed: boolean }[]): KubeObject => ({
  metadata: { namespace: 'system', name: 'mic-host-vm-h' },
  data: { 'record.json': JSON.stringify({ host: { id: 'h' }, ours }) },
});

/** A state without problems. */
const right: EndView = {
  pods: [pod],
  identities: [identity],
  bindings: [binding],
  exceptions: [],
  assigned: [assigned],
  records: [recordOf({ id: used, confirmed: true })],
  hostOfNode: new Map([['node', 'h']]),
  attached: new Map([['h', [used, foreign]]]),
  people: new Map([['h', new Set([foreign])]]),
  either: new Map(),
};
const left = (change: Partial<EndView>): number => problemsOf({ ...right, ...change }).length;

describe('what is left at the end', () => {
  test('is empty if all is as wanted', () => {
    expect(problemsOf(right)).toEqual([]);
  });

  test.each<[string, Partial<EndView>]>([
    ['an assignment that is missing', { assigned: [] }],
    ['one that is there twice', { assigned: [assigned, assigned] }],
    ['an identity that is not on its host', { attached: new Map([['h', [foreign]]]) }],
    ['one that nobody wants', { attached: new Map([['h', [used, foreign, '/s/identities/old']]]) }],
    ['one of other people that is gone', { attached: new Map([['h', [used]]]) }],
    ['an intent', { records: [recordOf({ id: used, confirmed: false })] }],
    ['an attachment that MIC has forgotten', { records: [] }],
    [
      'one of other people on record',
      { records: [recordOf({ id: used, confirmed: true }, { id: foreign, confirmed: true })] },
    ],
    ['a condition', { identities: [{ ...identity, status: conditions('Unknown', 'Attaching') }] }],
    ['a condition that is not there', { bindings: [{ ...binding, status: {} }] }],
  ])('names %s', (_, change) => {
    expect(left(change)).toBe(1);
  });

  test('names an assignment that is not finished, and what is wanted in its place', () => {
    expect(left({ assigned: [{ ...assigned, status: { status: 'Created' } }] })).toBe(2);
  });

  test('names the object, identity, record and condition that a deleted pod left', () => {
    expect(problemsOf({ ...right, pods: [] })).toHaveLength(4);
  });

  test('a finished pod needs nothing', () => {
    const finished = { ...pod, status: { phase: 'Succeeded' } };
    expect(problemsOf({ ...right, pods: [finished] })).toHaveLength(4);
    expect(lastRequests({ ...right, pods: [finished] }, ['node'])).toEqual([]);
  });

  test('an identity that users and MIC attached at the same time may be there or not', () => {
    const either = new Map([['h', new Set(['/s/identities/both'])]]);
    const both = { id: '/s/identities/both', confirmed: true };
    expect(left({ either })).toBe(0);
    expect(
      left({
        either,
        attached: new Map([['h', [used, foreign, both.id]]]),
        records: [recordOf({ id: used, confirmed: true }, both)],
      }),
    ).toBe(0);
  });
});

describe('the last requests', () => {
  test('each pod requests each of its identities, and a pod without one requests any', () => {
    const stranger = { ...pod, metadata: { namespace: 'team-b', name: 'stranger', labels: {} } };
    const questions = lastRequests({ ...right, pods: [pod, stranger] }, ['node']);
    expect(questions.map(({ want }) => want?.resourceId)).toEqual([used, undefined]);
    expect(lastRequests(right, [])).toEqual([]);
  });

  test('a wrong response is a problem', () => {
    const answer = { pod: 'team-a/web', status: 200, reason: '' };
    expect(problemOf({ ...answer, wanted: used, resourceId: used })).toBeUndefined();
    expect(problemOf({ ...answer, wanted: used, resourceId: foreign })).toContain(foreign);
    expect(problemOf({ ...answer, wanted: used, status: 503, reason: 'why' })).toContain('why');
    expect(problemOf({ ...answer, wanted: undefined, resourceId: used })).toContain('may have nothing');
    expect(problemOf({ ...answer, wanted: undefined, status: 400, reason: 'no label' })).toBeUndefined();
    expect(problemOf({ ...answer, wanted: undefined, status: 400 })).toContain('without a reason');
  });
});
