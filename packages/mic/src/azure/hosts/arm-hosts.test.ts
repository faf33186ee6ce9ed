import type { Host, ResourceId } from '@pod-identity/crd-types';
import { describe, expect, it } from 'vitest';
import type { HostChange, UpdateOutcome } from '../../snapshot/facts/outcomes.ts';
import type { ArmFailure } from '../arm/arm-errors.ts';
import type { Attachable } from './attachable.ts';
import type { HostCalls, PatchResult } from './host-calls.ts';
import { createArmHosts } from './arm-hosts.ts';
import type { HostState } from './identity-patch.ts';

const host: Host = { kind: 'vmss', id: '/subscriptions/s/x' as ResourceId };
const id = (name: string | number) => `/identity/${name}` as ResourceId;
const alive = { clientId: 'c', principalId: 'p' };
const refusal = (
  code: 'Unknown' | 'FailedIdentityOperation' | 'InvalidIdentity',
  named: readonly ResourceId[] = [],
): ArmFailure => ({
  kind: 'rejected',
  code,
  message: `${code} said ARM`,
  named,
});
const throttled: ArmFailure = { kind: 'throttled', message: 'wait', retryAfterMs: 20_000, scope: 'host' };
const unavailable: ArmFailure = { kind: 'unavailable', message: 'no answer', retryAfterMs: 5000 };

/** ARM in memory: `judge` returns the failure of a PATCH; undefined accepts it. */
function fakeArm(
  present: readonly ResourceId[],
  judge: (
    adding: readonly ResourceId[],
    patch: number,
    after: HostState['present'],
  ) => Partial<PatchResult & { applied: boolean }> | undefined,
) {
  const state = {
    present: new Map(
      present.map((one) => [
        one,
        alive as HostState['present'] extends ReadonlyMap<unknown, infer V> ? V : never,
      ]),
    ),
    systemAssigned: false,
  };
  const sent: (readonly ResourceId[])[] = [];
  let reads = 0;
  let held: ArmFailure | undefined;
  let provisioningState = 'Succeeded';
  const refusing = new Map<ResourceId, Attachable>();
  /** MIC's own, and not known to be on the machines. */
  const mayComeOff = new Set<ResourceId>();
  const budget = { updates: Infinity };
  const calls: HostCalls = {
    spend: () => {
      if (held !== undefined || budget.updates < 1) return { ok: false, failure: held ?? throttled };
      budget.updates -= 1;
      return { ok: true, value: 1 };
    },
    attachable: (one) => Promise.resolve(refusing.get(one) ?? { kind: 'attachable' }),
    budget: (_, updates) => (updates <= budget.updates ? undefined : throttled),
    read: () => {
      reads += 1;
      return Promise.resolve({
        ok: true,
        value: { present: new Map(state.present), systemAssigned: false, provisioningState },
      });
    },
    patch: (_, { from, patch }) => {
      const adding = [...patch.after.present.keys()].filter((one) => !from.present.has(one));
      sent.push(adding);
      const verdict = judge(adding, sent.length, patch.after.present);
      if (verdict === undefined || verdict.applied === true) {
        for (const one of [...state.present.keys()])
          if (!patch.after.present.has(one)) state.present.delete(one);
        for (const one of patch.after.present.keys()) state.present.set(one, state.present.get(one) ?? alive);
      }
      const response = { ok: true, value: undefined, begun: true, refused: false, ...verdict };
      return Promise.resolve(response as PatchResult);
    },
  };
  const identities = createArmHosts(calls);
  const written: { attaching: readonly ResourceId[]; renewing: readonly ResourceId[] }[] = [];
  const update = (change: Partial<HostChange>, on = host) =>
    identities.update(
      on,
      { attach: [], renew: [], detach: [], ...change },
      {
        signal: new AbortController().signal,
        mayComeOff: (one) => mayComeOff.has(one),
        beforePatch: (attaching, _, renewing = []) =>
          Promise.resolve(void written.push({ attaching, renewing })),
      },
    );
  return {
    update,
    identities,
    sent,
    state,
    written,
    refusing,
    mayComeOff,
    budget,
    reads: () => reads,
    set held(failure: ArmFailure | undefined) {
      held = failure;
    },
    set provisioningState(value: string) {
      provisioningState = value;
    },
  };
}

const refused = (failure: ArmFailure, more: object = {}) => ({
  ok: false as const,
  failure,
  begun: false,
  ...more,
});

describe('unnamed refusals', () => {
  it('an unexplained refusal of everything counts against the host, not against an identity', async () => {
    const arm = fakeArm([], () => refused(refusal('Unknown')));
    expect(await arm.update({ attach: [id('a'), id('b')] })).toMatchObject({
      rejected: [],
      refusal: { kind: 'failed', message: 'Unknown said ARM' },
    });
  });

  it('an unexplained refusal counts against an id if the host accepts the others', async () => {
    const arm = fakeArm([], (adding) => (adding.includes(id('a')) ? refused(refusal('Unknown')) : undefined));
    const outcome = await arm.update({ attach: [id('a'), id('b')] });
    expect(outcome.refusal).toBeUndefined();
    expect(outcome.rejected).toMatchObject([{ id: id('a'), code: 'Unknown' }]);
  });

  it('continues a search that the throttle interrupted', async () => {
    let allowed = 2;
    const arm = fakeArm([], (adding) => {
      allowed -= 1;
      if (allowed === 0) arm.held = throttled;
      return adding.includes(id(0)) ? refused(refusal('InvalidIdentity')) : undefined;
    });
    const attach = [0, 1, 2, 3, 4, 5, 6, 7].map(id);
    expect(await arm.update({ attach })).toMatchObject({ refusal: throttled, patches: 2 });
    // With two tokens each time, a restarted update would never get beyond the first halves.
    let rejected: readonly ResourceId[] = [];
    for (let round = 0; round < 4 && rejected.length === 0; round += 1) {
      allowed = 2;
      arm.held = undefined;
      const missing = attach.filter((one) => !arm.state.present.has(one));
      rejected = (await arm.update({ attach: missing })).rejected.map((rejection) => rejection.id);
    }
    expect(rejected).toEqual([id(0)]);
  });

  it('remembers interrupted searches for 5,000 hosts, and evicts the oldest first', async () => {
    const arm = fakeArm([], () => refused(refusal('InvalidIdentity')));
    const attach = [id('a'), id('b'), id('c'), id('d')];
    const cutShort = async (on: Host) => {
      arm.budget.updates = 1;
      arm.sent.length = 0;
      await arm.update({ attach }, on);
      return arm.sent[0];
    };
    expect(await cutShort(host)).toEqual(attach);
    expect(await cutShort(host)).toEqual(attach.slice(0, 2));
    for (let other = 0; other < 5_000; other += 1)
      await cutShort({ kind: 'vm', id: `/subscriptions/s/${other}` as ResourceId });
    expect(await cutShort(host)).toEqual(attach);
  });
});

describe('named refusals', () => {
  it('drops all named ids at once', async () => {
    const bad = [id('a'), id('c')];
    const arm = fakeArm([], (adding) =>
      adding.some((one) => bad.includes(one)) ? refused(refusal('FailedIdentityOperation', bad)) : undefined,
    );
    const outcome = await arm.update({ attach: [id('a'), id('b'), id('c')] });
    expect(outcome.rejected.map((rejection) => rejection.id)).toEqual(bad);
    expect(outcome.patches).toBe(2);
  });

  it('after an operation that began and failed, reads the host before it continues', async () => {
    const arm = fakeArm([], (_, patch) =>
      patch === 1 ? refused(refusal('FailedIdentityOperation', [id('a')]), { begun: true }) : undefined,
    );
    const outcome = await arm.update({ attach: [id('a'), id('b')] });
    expect(outcome.rejected.map((rejection) => rejection.id)).toEqual([id('a')]);
    expect([...(outcome.present?.keys() ?? [])]).toEqual([id('b')]);
    expect(arm.reads()).toBe(3);
  });

  it('does not attach again what was refused in the second half of a renewal', async () => {
    const arm = fakeArm([], (adding) =>
      adding.includes(id('a')) ? refused(refusal('FailedIdentityOperation', [id('a')])) : undefined,
    );
    arm.state.present.set(id('a'), {});
    const outcome = await arm.update({ renew: [id('a')] });
    expect(arm.sent).toEqual([[], [id('a')]]);
    expect(outcome).toMatchObject({ rejected: [{ id: id('a') }], patches: 2 });
    expect(outcome.present?.size).toBe(0);
  });
});

describe('a renewal', () => {
  const deadHost = (judge: Parameters<typeof fakeArm>[1] = () => undefined) => {
    const arm = fakeArm([id('living')], judge);
    arm.state.present.set(id('dead'), {});
    return arm;
  };
  const no: Attachable = {
    kind: 'refused',
    rejection: { id: id('dead'), code: 'LinkedAuthorizationFailed', message: 'no right' },
  };

  it('removes a dead entry and adds it again, and records it before each half', async () => {
    const arm = deadHost();
    const outcome = await arm.update({ renew: [id('dead')] });
    expect(outcome).toMatchObject({ rejected: [], patches: 2 });
    expect(arm.written).toEqual([
      { attaching: [], renewing: [id('dead')] },
      { attaching: [id('dead')], renewing: [] },
    ]);
    expect(arm.state.present.get(id('dead'))).toEqual(alive);
  });

  it('never begins for an entry that is alive or gone by now', async () => {
    const arm = deadHost();
    expect(await arm.update({ renew: [id('living'), id('nowhere')] })).toMatchObject({ patches: 0 });
    expect(arm.sent).toEqual([]);
  });

  it.each([
    ['MIC has no right to put it back', no],
    [
      'there is no such identity',
      { kind: 'missing', rejection: { ...no.rejection, code: 'IdentityNotFound' } },
    ],
  ] satisfies [string, Attachable][])('never begins when %s', async (_, response) => {
    const arm = deadHost();
    arm.refusing.set(id('dead'), response);
    expect(await arm.update({ renew: [id('dead')], attach: [id('b')] })).toMatchObject({
      rejected: [{ id: id('dead') }],
      patches: 1,
    });
    expect([...arm.state.present.keys()]).toEqual([id('living'), id('dead'), id('b')]);
  });

  it('never begins without budget for both halves; the rest of the change is made', async () => {
    const arm = deadHost();
    arm.budget.updates = 1;
    const outcome = await arm.update({ renew: [id('dead')], attach: [id('b')] });
    expect(outcome).toMatchObject({ refusal: { kind: 'throttled' }, patches: 1 });
    expect([...arm.state.present.keys()]).toEqual([id('living'), id('dead'), id('b')]);
  });

  const inTheWay = (arm: ReturnType<typeof fakeArm>) =>
    arm.state.present.get(id('dead'))?.clientId === undefined && arm.state.present.has(id('dead'));
  const blocked = () => {
    const arm: ReturnType<typeof fakeArm> = deadHost((adding, patch) =>
      patch === 1 && adding.length > 0
        ? refused(refusal('FailedIdentityOperation', [id('dead')]))
        : undefined,
    );
    return arm;
  };

  it('of a dead entry that blocked an update is completed by the same update', async () => {
    const arm = blocked();
    expect(await arm.update({ attach: [id('b')] })).toMatchObject({ rejected: [], patches: 3 });
    expect(inTheWay(arm)).toBe(false);
    expect([...arm.state.present.keys()].sort()).toEqual([id('b'), id('dead'), id('living')]);
  });

  it('of a dead entry that blocks updates does not begin without the right to add it again: the host refuses', async () => {
    const arm = blocked();
    arm.refusing.set(id('dead'), no);
    expect(await arm.update({ attach: [id('b')] })).toMatchObject({
      refusal: { kind: 'failed', message: 'no right' },
      patches: 1,
    });
    expect(inTheWay(arm)).toBe(true);
  });

  it('does not begin for a dead entry that is being detached and blocks every part of the search: it is removed first', async () => {
    const [x, y, dead] = ['x', 'y', 'dead'].map(id) as [ResourceId, ResourceId, ResourceId];
    const arm = fakeArm([], (adding, _, after) => {
      if (after.has(dead)) return refused(refusal('FailedIdentityOperation', [dead]), { refused: true });
      return adding.includes(y) ? refused(refusal('InvalidIdentity'), { refused: true }) : undefined;
    });
    arm.state.present.set(dead, {});
    const namespaces = new Map([x, y].map((one) => [one, `namespace of ${one}`]));
    const outcome = await arm.update({ attach: [x, y], detach: [dead], namespaces });
    expect(outcome.rejected).toMatchObject([{ id: y }]);
    expect([...arm.state.present.keys()]).toEqual([x]);
  });

  it('of dead entries that ARM names one by one continues after the throttle interrupted it, with 2 PATCHes each time', async () => {
    const dead = ['d1', 'd2', 'd3'].map(id);
    const renewed = new Set<ResourceId>();
    const arm = fakeArm([], (adding, _, after) => {
      const left = dead.find((one) => after.has(one) && !renewed.has(one) && !adding.includes(one));
      if (left !== undefined) return refused(refusal('FailedIdentityOperation', [left]), { refused: true });
      for (const one of adding) renewed.add(one);
      return undefined;
    });
    for (const one of dead) arm.state.present.set(one, {});
    let outcome: UpdateOutcome | undefined;
    for (let round = 0; round < 5 && (outcome === undefined || outcome.refusal); round += 1) {
      arm.budget.updates = 2;
      outcome = await arm.update({ attach: [id('b')] });
    }
    expect(outcome).toMatchObject({ rejected: [], patches: 2 });
    expect(outcome?.refusal).toBeUndefined();
    expect([...arm.state.present.keys()].sort()).toEqual([id('b'), ...dead].sort());
  });
});

describe('an operation that failed after ARM had accepted the update', () => {
  const late = (failure: ArmFailure) => ({ ...refused(failure), begun: true, applied: true });

  it('is sent again while the host is Failed, and not after that', async () => {
    const arm = fakeArm([id('a'), id('b')], () => undefined);
    arm.provisioningState = 'Failed';
    expect(await arm.update({ again: [id('a')] })).toMatchObject({ applied: [id('a')], patches: 1 });
    expect(arm.written).toEqual([{ attaching: [id('a')], renewing: [] }]);
    arm.provisioningState = 'Succeeded';
    expect(await arm.update({ again: [id('a')] })).toMatchObject({ patches: 0 });
  });

  it('attaches nothing, and the host refuses', async () => {
    const arm = fakeArm([], () => {
      arm.provisioningState = 'Failed';
      return late({ kind: 'failed', message: 'extension', code: 'X' });
    });
    const outcome = await arm.update({ attach: [id('a')] });
    expect(outcome).toMatchObject({ failed: true, refusal: { kind: 'failed', late: true } });
    expect(outcome).not.toHaveProperty('applied');
    expect(outcome.present?.has(id('a'))).toBe(true);
  });

  it('by an outage of Azure is sent once more at once', async () => {
    const arm = fakeArm([], () => {
      arm.provisioningState = 'Failed';
      return late(unavailable);
    });
    const outcome = await arm.update({ attach: [id('a')] });
    expect(outcome).toMatchObject({ patches: 2, refusal: { kind: 'unavailable', late: true } });
  });

  it('because of an identity that may be detached removes it with the next PATCH', async () => {
    const arm = fakeArm([], (_, patch) =>
      patch === 1 ? late(refusal('FailedIdentityOperation', [id('bad')])) : undefined,
    );
    arm.mayComeOff.add(id('bad'));
    const outcome = await arm.update({ attach: [id('bad'), id('a')] });
    expect(outcome).toMatchObject({ rejected: [{ id: id('bad') }], patches: 2 });
    expect([...arm.state.present.keys()]).toEqual([id('a')]);
  });

  it('because of an entry of others blames none of the sent identities', async () => {
    const arm = fakeArm([id('theirs')], () => late(refusal('FailedIdentityOperation', [id('theirs')])));
    const outcome = await arm.update({ attach: [id('a')] });
    expect(outcome).toMatchObject({ rejected: [], patches: 1, refusal: { kind: 'failed', late: true } });
    expect(arm.state.present.has(id('theirs'))).toBe(true);
  });
});

describe('what became of a PATCH', () => {
  it('returns the identities that were certainly not attached, once for each PATCH', async () => {
    const bad = refused(refusal('FailedIdentityOperation', [id('a')]), { refused: true });
    const arm = fakeArm([], (adding) => (adding.includes(id('a')) ? bad : undefined));
    expect((await arm.update({ attach: [id('a'), id('b')] })).refused).toEqual([id('a'), id('b')]);
  });

  it('a host that refuses because of another operation is read again: the operation may be an earlier PATCH of MIC', async () => {
    const busy: ArmFailure = { kind: 'busy', message: 'another operation', retryAfterMs: 5000 };
    const arm = fakeArm([], (_, patch) => {
      if (patch === 1) return refused(unavailable);
      arm.provisioningState = 'Updating';
      arm.state.present.set(id('a'), {});
      return refused(busy, { refused: true });
    });
    const outcome = await arm.update({ attach: [id('a')] });
    expect(outcome).toMatchObject({ refusal: busy, unsettled: true, refused: [id('a')], patches: 2 });
    expect(arm.written).toHaveLength(2);
  });

  it('while others update the host, what is listed without ids is waited for with a pause', async () => {
    const arm = fakeArm([], () => undefined);
    arm.state.present.set(id('a'), {});
    arm.provisioningState = 'Updating';
    expect(await arm.update({ attach: [id('a')] })).toMatchObject({ refusal: { kind: 'busy' }, patches: 0 });
  });

  it('a list that is older than a failed PATCH is reported as unsettled', async () => {
    const arm = fakeArm([id('x')], () => refused(throttled, { refused: true }));
    expect(await arm.update({ attach: [id('a')] })).toMatchObject({ unsettled: true, refused: [id('a')] });
  });
});

describe('lost answers', () => {
  it('a PATCH applied without a response is done when the host shows it', async () => {
    const arm = fakeArm([], () => refused(unavailable, { applied: true }));
    expect(await arm.update({ attach: [id('a')] })).toEqual({
      present: new Map([[id('a'), alive]]),
      rejected: [],
      patches: 1,
    });
  });

  it('a PATCH that did not arrive is sent once more, and not again', async () => {
    const arm = fakeArm([], () => refused(unavailable));
    expect(await arm.update({ attach: [id('a')] })).toMatchObject({
      refusal: unavailable,
      patches: 2,
      present: new Map(),
    });
  });
});

describe('reading', () => {
  it('treats an entry without ids as being attached while the host is changing, and as dead after that', async () => {
    const arm = fakeArm([id('a')], () => undefined);
    arm.state.present.set(id('b'), {});
    arm.provisioningState = 'Updating';
    const read = async () => {
      const outcome = await arm.identities.read(host, new AbortController().signal);
      return outcome.kind === 'read' ? [...outcome.present.keys()] : outcome;
    };
    expect(await read()).toEqual([id('a')]);
    arm.provisioningState = 'Succeeded';
    expect(await read()).toEqual([id('a'), id('b')]);
  });
});
