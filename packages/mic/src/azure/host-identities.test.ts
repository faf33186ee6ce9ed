import type { Host, ResourceId } from '@pod-identity/crd-types';
import { describe, expect, it } from 'vitest';
import type { HostChange } from '../apply/host-identities.ts';
import type { ArmFailure } from './arm-errors.ts';
import type { HostCalls, PatchResult } from './host-calls.ts';
import { createHostIdentities } from './host-identities.ts';
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
const unavailable: ArmFailure = { kind: 'unavailable', message: 'no answer', retryAfterMs: 5000 };

/** ARM in memory: `judge` says what a PATCH meets; undefined lets it pass. */
function fakeArm(
  present: readonly ResourceId[],
  judge: (
    adding: readonly ResourceId[],
    patch: number,
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
  const calls: HostCalls = {
    spend: () => (held === undefined ? { ok: true, value: 1 } : { ok: false, failure: held }),
    restore: () => undefined,
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
      const verdict = judge(adding, sent.length);
      if (verdict === undefined || verdict.applied === true) {
        for (const one of [...state.present.keys()])
          if (!patch.after.present.has(one)) state.present.delete(one);
        for (const one of patch.after.present.keys()) state.present.set(one, state.present.get(one) ?? alive);
      }
      const answer = { ok: true, value: undefined, begun: true, ...verdict };
      return Promise.resolve(answer as PatchResult);
    },
  };
  const identities = createHostIdentities(calls);
  const update = (change: Partial<HostChange>) =>
    identities.update(
      host,
      { attach: [], renew: [], detach: [], ...change },
      { signal: new AbortController().signal, beforePatch: () => Promise.resolve() },
    );
  return {
    update,
    identities,
    sent,
    state,
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
  it('finds one bad id of 40 by halving, within 8 PATCHes, and attaches 39', async () => {
    const all = Array.from({ length: 40 }, (_, index) => id(index));
    const arm = fakeArm([], (adding) =>
      adding.includes(id(3)) ? refused(refusal('InvalidIdentity')) : undefined,
    );
    const outcome = await arm.update({ attach: all });
    expect(outcome.rejected.map((rejection) => rejection.id)).toEqual([id(3)]);
    expect(outcome.present?.size).toBe(39);
    expect(outcome.refusal).toBeUndefined();
    expect(outcome.patches).toBeLessThanOrEqual(8);
    expect(arm.reads()).toBe(2);
  });

  it('an unexplained refusal of everything is the host’s trouble, no identity’s', async () => {
    const arm = fakeArm([], () => refused(refusal('Unknown')));
    expect(await arm.update({ attach: [id('a'), id('b')] })).toMatchObject({
      rejected: [],
      refusal: { kind: 'failed', message: 'Unknown said ARM' },
    });
  });

  it('an unexplained refusal counts against an id when the host takes the others', async () => {
    const arm = fakeArm([], (adding) => (adding.includes(id('a')) ? refused(refusal('Unknown')) : undefined));
    const outcome = await arm.update({ attach: [id('a'), id('b')] });
    expect(outcome.refusal).toBeUndefined();
    expect(outcome.rejected).toMatchObject([{ id: id('a'), code: 'Unknown' }]);
  });

  it('goes on with a search that the throttle cut short', async () => {
    const throttled: ArmFailure = { kind: 'throttled', message: 'wait', retryAfterMs: 20_000, scope: 'host' };
    let allowed = 2;
    const arm = fakeArm([], (adding) => {
      allowed -= 1;
      if (allowed === 0) arm.held = throttled;
      return adding.includes(id(0)) ? refused(refusal('InvalidIdentity')) : undefined;
    });
    const attach = [0, 1, 2, 3, 4, 5, 6, 7].map(id);
    expect(await arm.update({ attach })).toMatchObject({ refusal: throttled, patches: 2 });
    // With two tokens each time, an update that began anew would never get beyond the first halves.
    let rejected: readonly ResourceId[] = [];
    for (let round = 0; round < 4 && rejected.length === 0; round += 1) {
      allowed = 2;
      arm.held = undefined;
      const missing = attach.filter((one) => !arm.state.present.has(one));
      rejected = (await arm.update({ attach: missing })).rejected.map((rejection) => rejection.id);
    }
    expect(rejected).toEqual([id(0)]);
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

  it('after an operation that began and failed, looks at the host before it goes on', async () => {
    const arm = fakeArm([], (_, patch) =>
      patch === 1 ? refused(refusal('FailedIdentityOperation', [id('a')]), { begun: true }) : undefined,
    );
    const outcome = await arm.update({ attach: [id('a'), id('b')] });
    expect(outcome.rejected.map((rejection) => rejection.id)).toEqual([id('a')]);
    expect([...(outcome.present?.keys() ?? [])]).toEqual([id('b')]);
    expect(arm.reads()).toBe(3);
  });

  it('does not take back on what was refused in the second half of a renewal', async () => {
    const arm = fakeArm([id('a')], (adding) =>
      adding.includes(id('a')) ? refused(refusal('FailedIdentityOperation', [id('a')])) : undefined,
    );
    const outcome = await arm.update({ renew: [id('a')] });
    expect(arm.sent).toEqual([[], [id('a')]]);
    expect(outcome).toMatchObject({ rejected: [{ id: id('a') }], patches: 2 });
    expect(outcome.present?.size).toBe(0);
  });
});

describe('lost answers', () => {
  it('a PATCH applied without an answer is done when the host shows it', async () => {
    const arm = fakeArm([], () => refused(unavailable, { applied: true }));
    expect(await arm.update({ attach: [id('a')] })).toEqual({
      present: new Map([[id('a'), alive]]),
      rejected: [],
      patches: 1,
    });
  });

  it('one that did not arrive goes out once more and no more', async () => {
    const arm = fakeArm([], () => refused(unavailable));
    expect(await arm.update({ attach: [id('a')] })).toMatchObject({
      refusal: unavailable,
      patches: 2,
      present: new Map(),
    });
  });
});

describe('reading', () => {
  it('takes an entry without ids for one on its way while the host is changing, and for a dead one after', async () => {
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
