import { describe, expect, it } from 'vitest';
import { connection, patient, pod } from '../../test/builders.ts';
import { ending, heir, podOf, stage, web } from '../../test/caller-stage.ts';
import type { PodView } from './pod-view.ts';

describe('a pod that memory names', () => {
  it('is read once by name; then its connection belongs to it until it is closed', async () => {
    const { call, open, clock, questions, results } = stage({ filed: [web] });
    const kept = open();
    await expect(call(kept)).resolves.toEqual(podOf(web));
    expect(call(kept)).toEqual(podOf(web));
    await clock.advance(3_600_000);
    expect(call(kept)).toEqual(podOf(web));
    expect([questions, results]).toEqual([['get default/web'], ['confirmed']]);
  });

  it('a confirmation is valid for other connections for a second', async () => {
    const { call, clock, questions } = stage({ filed: [web] });
    await call();
    await clock.advance(999);
    expect(call()).toEqual(podOf(web));
    await clock.advance(1);
    await expect(call()).resolves.toEqual(podOf(web));
    expect(questions).toHaveLength(2);
  });

  it('500 connections at once cause one request', async () => {
    const { calls, questions } = stage({ filed: [web] });
    expect(new Set(await calls(500))).toEqual(new Set([podOf(web)]));
    expect(questions).toHaveLength(1);
  });

  it('has the labels that the watch delivered last', async () => {
    const { call, arrive } = stage({ filed: [web] });
    await call();
    const relabelled = { ...web, labels: {} };
    arrive([relabelled]);
    expect(call()).toEqual(podOf(relabelled));
  });

  it('an earlier confirmation is not valid for a new connection after the machine’s clock was set back', async () => {
    const { call, clock, questions } = stage({ filed: [web] });
    await clock.advance(3_600_000);
    await call();
    clock.now = () => 0;
    await clock.advance(1_000);
    await call();
    expect(questions).toHaveLength(2);
  });

  it('has the labels of the watch if they are newer than the answer of the API server', async () => {
    const relabelled = { ...web, labels: {} };
    const { call } = stage({ filed: [relabelled], live: [web] });
    await expect(call()).resolves.toEqual(podOf(relabelled));
  });

  it('a connection that is opened during the request needs no other request', async () => {
    const { call, clock, state, questions } = stage({ filed: [web] });
    state.answerMs = 100;
    const first = call();
    await clock.advance(50);
    const second = call();
    await clock.advance(50);
    await expect(Promise.all([first, second])).resolves.toEqual([podOf(web), podOf(web)]);
    expect(questions).toHaveLength(1);
  });

  it('a confirmation ends when the watch delivers another pod, even if it then delivers the first one again', async () => {
    const { call, state, arrive } = stage({ filed: [web] });
    await call();
    Object.assign(state, { live: undefined, missedMs: 1_001 });
    arrive([heir]);
    await expect(call()).resolves.toEqual({ kind: 'unconfirmed', pod: heir });
    arrive([web]);
    expect(call()).toEqual({ kind: 'unconfirmed', pod: web });
  });
});

describe('item 13: an address that is another pod’s by now, which the watch has not told', () => {
  it.each<[string, readonly PodView[]]>([
    ['the old pod is gone', [heir]],
    ['the old pod has finished', [{ ...web, phase: 'Succeeded' }, heir]],
    ['the old pod ends', [ending, heir]],
    ['the old pod’s name is used again', [{ ...heir, name: 'web', key: 'default/web' }]],
    ['the old pod has another address', [{ ...web, addresses: ['10.0.0.9'] }, heir]],
  ])('%s: the new one is served by its own labels', async (_, live) => {
    const { call, questions, results } = stage({ filed: [web], live });
    await expect(call()).resolves.toMatchObject({
      kind: 'pod',
      pod: { uid: heir.uid, labels: heir.labels },
    });
    expect([questions, results]).toEqual([['get default/web', 'list'], ['moved']]);
  });

  it('an earlier confirmation ends at once when the watch delivers the change', async () => {
    const { call, arrive, state, questions } = stage({ filed: [web] });
    await call();
    state.live = [heir];
    arrive([heir]);
    await expect(call()).resolves.toEqual(podOf(heir));
    expect(questions).toEqual(['get default/web', 'get default/heir']);
  });

  it('nobody has it: the caller is held, and served when its pod is told of and confirmed', async () => {
    const { call, clock, arrive, state } = stage({ filed: [web], live: [] });
    const found = call();
    await clock.advance(500);
    state.live = [heir];
    arrive([heir]);
    await expect(found).resolves.toEqual(podOf(heir));
  });

  it('a pod that the watch delivers late, after its deletion, is not served either', async () => {
    const { call, clock, arrive } = stage({ filed: [web], live: [] });
    const found = call();
    await clock.advance(500);
    arrive([heir]);
    await clock.advance(1_500);
    await expect(found).resolves.toEqual({ kind: 'none' });
  });

  it('a connection that is opened while a question about the one before it is under way waits for the next', async () => {
    const { call, clock, state, questions } = stage({ filed: [web], check: { ageMs: 0 } });
    state.answerMs = 100;
    const first = call();
    await clock.advance(50);
    const second = call();
    await clock.advance(51);
    await expect(first).resolves.toEqual(podOf(web));
    state.live = [heir];
    await clock.advance(300);
    await expect(second).resolves.toEqual(podOf(heir));
    expect(questions).toEqual(['get default/web', 'get default/web', 'list']);
  });

  it('two live pods have it: nobody is served, and the API server is not asked again and again', async () => {
    const { call, questions } = stage({
      filed: [web],
      live: [{ ...web, isEnding: true }, heir, pod({ uid: 'third' })],
    });
    await expect(call()).resolves.toMatchObject({ kind: 'ambiguous' });
    expect(call()).toMatchObject({ kind: 'ambiguous' });
    expect(questions).toEqual(['get default/web', 'list']);
  });

  it('nobody has it: the caller is held, and that the watch tells so too is no reason to ask again', async () => {
    const { call, clock, arrive, questions } = stage({ filed: [web], live: [] });
    const found = call();
    await clock.advance(500);
    arrive([]);
    await clock.advance(1_500);
    await expect(found).resolves.toEqual({ kind: 'none' });
    expect(questions).toEqual(['get default/web', 'list']);
  });

  it('nobody has it: the next caller is not told so without a question', async () => {
    const { call, clock, state } = stage({ filed: [web], live: [], check: { ageMs: 10_000 } });
    const found = call();
    await clock.advance(2_000);
    await expect(found).resolves.toEqual({ kind: 'none' });
    state.live = [web];
    await expect(call()).resolves.toEqual(podOf(web));
  });

  it('two live pods have it: the API server is asked again after a second, over the same connection too', async () => {
    const { call, open, clock, state } = stage({ filed: [web, heir] });
    const kept = open();
    await expect(call(kept)).resolves.toMatchObject({ kind: 'ambiguous' });
    state.live = [heir];
    await clock.advance(1_000);
    await expect(call(kept)).resolves.toEqual(podOf(heir));
  });

  it('two live pods have it: what was said of them is void when the watch tells of a third in place of one', async () => {
    const third = pod({ uid: 'third', name: 'third' });
    const { call, arrive, state } = stage({ filed: [web, heir] });
    await expect(call()).resolves.toMatchObject({ kind: 'ambiguous' });
    state.live = [third];
    arrive([heir, third]);
    await expect(call()).resolves.toEqual(podOf(third));
  });
});

describe('a pod that ends', () => {
  it('is served while it runs: its last tasks may need a token', async () => {
    const { call, questions } = stage({ filed: [web], live: [ending] });
    await expect(call()).resolves.toMatchObject({ kind: 'pod', pod: { uid: web.uid } });
    expect(questions).toEqual(['get default/web', 'list']);
  });

  it('and known to end is asked for by its address, where a newer one may be', async () => {
    const { call, questions } = stage({ filed: [ending], live: [ending, heir] });
    await expect(call()).resolves.toEqual(podOf(heir));
    expect(questions).toEqual(['list']);
  });

  it('(a) is not served while another pod has no address yet, though the watch has not told that it ends', async () => {
    const silent = pod({ uid: 'silent', name: 'silent', addresses: [] });
    const { call, open, state, clock } = stage({ filed: [web], live: [ending, silent] });
    const refused = open();
    await expect(call(refused)).resolves.toEqual({ kind: 'unconfirmed', pod: ending });
    expect(refused.isLast).toBe(true);
    state.live = [ending, { ...silent, isOnHostNetwork: true }];
    await clock.advance(1_000);
    await expect(call()).resolves.toEqual(podOf(ending));
  });

  it('(a) is served over the connection that it was confirmed on before, whatever comes after', async () => {
    const { call, open, arrive, state, clock } = stage({ filed: [web] });
    const kept = open();
    await call(kept);
    const silent = pod({ uid: 'silent', name: 'silent', addresses: [] });
    state.live = [ending, silent];
    arrive([ending, silent]);
    await clock.advance(60_000);
    expect(call(kept)).toEqual(podOf(ending));
    await expect(call()).resolves.toEqual({ kind: 'unconfirmed', pod: ending });
  });

  it('(a) is served over a connection that was open when it was confirmed, though nothing was asked over it yet', async () => {
    const { call, open, arrive } = stage({ filed: [web] });
    const [first, second] = [open(), open()];
    await call(first);
    arrive([ending, pod({ uid: 'silent', name: 'silent', addresses: [] })]);
    expect(call(second)).toEqual(podOf(ending));
  });

  it('is not served when its containers have stopped', async () => {
    const { call, clock } = stage({ filed: [ending], live: [{ ...ending, isStopped: true }] });
    const found = call();
    await clock.advance(2_000);
    await expect(found).resolves.toEqual({ kind: 'none' });
  });

  it('(a) goes on being served over the connection on which it was served, whatever pod is made after', async () => {
    const { call, open, arrive } = stage({ filed: [ending] });
    const kept = open();
    await expect(call(kept)).resolves.toEqual(podOf(ending));
    arrive([ending, pod({ uid: 'silent', name: 'silent', addresses: [] })]);
    expect(call(kept)).toEqual(podOf(ending));
  });

  it('(a) and was confirmed before it ended is asked for anew: the watch may not have told who waits for an address', async () => {
    const { call, state, arrive, clock, questions } = stage({ filed: [web] });
    await call();
    await clock.advance(500);
    state.live = [ending, pod({ uid: 'silent', name: 'silent', addresses: [] })];
    arrive([ending]);
    await expect(call()).resolves.toEqual({ kind: 'unconfirmed', pod: ending });
    expect(questions).toEqual(['get default/web', 'list']);
  });

  it('causes one request a second, like a running one', async () => {
    const { call, clock, questions } = stage({ filed: [ending] });
    await call();
    await clock.advance(999);
    expect(call()).toEqual(podOf(ending));
    expect(questions).toEqual(['list']);
  });
});

describe('attack: a pod has finished by itself or was evicted, and the next one has its address, before the API server says so:', () => {
  it('the next one gets nothing of it', async () => {
    const { call, open, state, questions } = stage({ filed: [web] });
    state.shown = 'none';
    const theirs = open();
    await expect(call(theirs)).resolves.toEqual({ kind: 'unconfirmed', pod: web });
    expect([theirs.isLast, questions]).toEqual([true, ['get default/web']]);
  });

  it('a confirmation of a moment ago is not good for it', async () => {
    const { call, state } = stage({ filed: [web] });
    state.shown = 'running';
    await call();
    state.shown = 'none';
    expect(call()).toEqual({ kind: 'unconfirmed', pod: web });
  });

  it('an outage of the API server does not matter', async () => {
    const { call, state } = stage({ filed: [web], live: undefined });
    state.shown = 'none';
    await expect(call()).resolves.toEqual({ kind: 'unconfirmed', pod: web });
  });

  it('(b) its own connection gets nothing either once the kernel has another entry for the address', async () => {
    const { call, open, state } = stage({ filed: [web], neighbour: '66:12:9c:01:2e:77 cali1 9' });
    const kept = open();
    await call(kept);
    Object.assign(state, { shown: 'none', neighbour: '66:12:9c:01:2e:78 cali2 10' });
    await expect(call(kept)).resolves.toEqual({ kind: 'unconfirmed', pod: web });
    expect(kept.isLast).toBe(true);
  });
});

const waits = pod({ uid: 'waits', name: 'waits', addresses: [] });

describe('attack: the next pod has the address of one that ends,', () => {
  const [mine, other] = ['66:12:9c:01:2e:77 cali1 9', '66:12:9c:01:2e:78 cali2 10'];

  it('whose containers are not shown, within a second of a list: memory knows that another pod waits for an address', async () => {
    const { call, arrive, state, clock, questions } = stage({ filed: [ending] });
    await expect(call()).resolves.toEqual(podOf(ending));
    state.live = [ending, waits];
    arrive([ending, waits]);
    await clock.advance(500);
    await expect(Promise.resolve(call())).resolves.toEqual({ kind: 'unconfirmed', pod: ending });
    expect(questions).toEqual(['list', 'list']);
  });

  it('whose containers run on, since they cannot be killed: the kernel has another entry for it', async () => {
    const { call, arrive, state } = stage({ filed: [web], neighbour: mine });
    state.shown = 'running';
    await call();
    Object.assign(state, { live: [ending, waits], neighbour: other });
    arrive([ending]);
    for (let n = 0; n < 2; n += 1)
      await expect(Promise.resolve(call())).resolves.toEqual({ kind: 'unconfirmed', pod: ending });
    state.neighbour = mine;
    await expect(Promise.resolve(call())).resolves.toEqual(podOf(ending));
  });

  it('whose containers run on, in an outage that begins after such an entry was seen', async () => {
    const { call, arrive, state, clock } = stage({ filed: [web], neighbour: mine });
    state.shown = 'running';
    await call();
    Object.assign(state, { live: [ending, waits], neighbour: other });
    arrive([ending]);
    await call();
    state.live = undefined;
    await clock.advance(2_000);
    await expect(Promise.resolve(call())).resolves.toEqual({ kind: 'unconfirmed', pod: ending });
  });

  it('while the API server is away: the entry of the last confirmation counts, though memory named nobody in between', async () => {
    const { call, arrive, state, clock } = stage({ filed: [web], neighbour: mine });
    await call();
    arrive([]);
    state.live = undefined;
    const held = Promise.resolve(call());
    await clock.advance(5_000);
    await held;
    arrive([web]);
    await clock.advance(2_000);
    state.neighbour = other;
    await expect(Promise.resolve(call())).resolves.toEqual({ kind: 'unconfirmed', pod: web });
  });
});

it('a pod that ends and runs is served by the list though the kernel has another entry for its address', async () => {
  const { call, arrive, state, questions } = stage({ filed: [web], neighbour: 'aa' });
  state.shown = 'running';
  await call();
  Object.assign(state, { live: [ending], neighbour: 'bb' });
  arrive([ending]);
  await expect(Promise.resolve(call())).resolves.toEqual(podOf(ending));
  expect(questions).toEqual(['get default/web', 'list']);
});

describe('the containers of a pod', () => {
  it('are looked for once for each connection', async () => {
    const { call, open, looks } = stage({ filed: [web] });
    const kept = open();
    await call(kept);
    for (let n = 0; n < 100; n += 1) expect(call(kept)).toEqual(podOf(web));
    expect(looks).toHaveLength(1);
    expect(call()).toEqual(podOf(web));
    expect(looks).toHaveLength(2);
  });

  it('that are started again after a crash are served at once', async () => {
    const { call, state, questions } = stage({ filed: [web] });
    state.shown = 'none';
    await expect(call()).resolves.toEqual({ kind: 'unconfirmed', pod: web });
    state.shown = 'running';
    expect(call()).toEqual(podOf(web));
    expect(questions).toHaveLength(1);
  });
});

describe('an address that memory does not know', () => {
  it('item 14: causes one request for all callers from it', async () => {
    const { calls, questions } = stage({ live: [web] });
    expect(new Set(await calls(3))).toEqual(new Set([podOf(web)]));
    expect(questions).toEqual(['list']);
  });

  it('C13 holds a caller whose pod arrives meanwhile, and no longer', async () => {
    const { call, arrive, clock, state } = stage({ live: [] });
    const found = call();
    await clock.advance(500);
    state.live = [web];
    arrive([web]);
    await expect(found).resolves.toEqual(podOf(web));
    expect(clock.now()).toBe(500);
  });

  it('item 13: of two pods that memory holds live the API server may know one only', async () => {
    await expect(stage({ filed: [web, heir] }).call()).resolves.toMatchObject({ kind: 'ambiguous' });
    await expect(stage({ filed: [web, heir], live: [heir] }).call()).resolves.toEqual(podOf(heir));
  });

  it('and the API server does not know: callers that come together share one question, and get their answer after one hold', async () => {
    const { calls, clock, questions } = stage({ live: [] });
    const found = calls(3);
    await clock.advance(2_000);
    await expect(found).resolves.toEqual([{ kind: 'none' }, { kind: 'none' }, { kind: 'none' }]);
    expect(questions).toEqual(['list']);
  });

  it('and the API server knows: its answer is good for a second', async () => {
    const { call, questions } = stage({ live: [web] });
    await call();
    expect(call()).toEqual(podOf(web));
    expect(questions).toEqual(['list']);
  });
});

describe('while the watch is silent', () => {
  it('item 14: memory is not enough for old connections either: labels may have changed', async () => {
    const { call, open, clock, state, questions } = stage({ filed: [web] });
    const kept = open();
    await call(kept);
    const relabelled = { ...web, labels: {} };
    Object.assign(state, { isCurrent: false, live: [relabelled] });
    await clock.advance(1_000);
    await expect(call(kept)).resolves.toEqual(podOf(relabelled));
    expect(questions).toHaveLength(2);
  });

  it('a pod in memory that the API server does not have does not count', async () => {
    const { call, clock } = stage({ filed: [web], live: [], isCurrent: false });
    const found = call();
    await clock.advance(2_000);
    await expect(found).resolves.toEqual({ kind: 'none' });
  });
});

describe('while the API server is away', () => {
  it('attack: another entry of the kernel than at an earlier confirmation, with none at the last one: nobody gets a token', async () => {
    const { call, clock, state } = stage({ filed: [web], live: [web], neighbour: 'aa' });
    expect((await call()).kind).toBe('pod');
    await clock.advance(2_000);
    state.neighbour = undefined;
    expect((await call()).kind).toBe('pod');
    await clock.advance(2_000);
    state.live = undefined;
    state.neighbour = 'bb';
    expect((await call()).kind).toBe('unconfirmed');
  });

  it('uses memory for ten minutes, with few requests', async () => {
    const { call, calls, clock, state, results } = stage({ filed: [web] });
    await call();
    state.live = undefined;
    for (let minute = 0; minute < 10; minute += 1) {
      await clock.advance(60_000);
      state.heardMs += 60_000;
      expect(new Set(await calls(20))).toEqual(new Set([podOf(web)]));
      // For a second nobody waits for an answer.
      expect(call()).toEqual(podOf(web));
    }
    expect(results.filter((result) => result === 'unanswered')).toHaveLength(10);
  });

  it('with an outage of 0: a pod is not served before it is confirmed, and its old connection goes on', async () => {
    const { call, open, clock, state } = stage({ filed: [web], check: { outageMs: 0 } });
    const kept = open();
    await call(kept);
    Object.assign(state, { live: undefined, heardMs: 1 });
    await clock.advance(1_000);
    await expect(call()).resolves.toEqual({ kind: 'unconfirmed', pod: web });
    expect(call(kept)).toEqual(podOf(web));
  });

  it('its last answer counts before memory', async () => {
    const { call, clock, state } = stage({ filed: [web], live: [heir] });
    await call();
    state.live = undefined;
    await clock.advance(5_000);
    await expect(call()).resolves.toEqual(podOf(heir));
  });

  it('a pod that it has just refuted is not believed in, though nobody says who came after it', async () => {
    const { call, state, clock } = stage({ filed: [web], live: [heir] });
    state.answerMs = 10;
    const found = call();
    await clock.advance(10);
    state.live = undefined;
    await clock.advance(10);
    await expect(found).resolves.toEqual({ kind: 'unconfirmed', pod: web });
    await clock.advance(5_000);
    const later = call();
    await clock.advance(10);
    await expect(later).resolves.toEqual({ kind: 'unconfirmed', pod: web });
  });

  it('the watch may still deliver the pod of an unknown caller', async () => {
    const { call, arrive } = stage({ live: undefined });
    const found = call();
    arrive([web]);
    await expect(found).resolves.toEqual(podOf(web));
  });

  it('a pod that it has said to be gone is not believed in, though the watch names it still', async () => {
    const { call, clock, state } = stage({ filed: [web], live: [] });
    const first = call();
    await clock.advance(2_000);
    await first;
    state.live = undefined;
    const later = call();
    await clock.advance(2_000);
    await expect(later).resolves.toEqual({ kind: 'none' });
  });

  it('a pod that it has refuted, without saying who came after, counts as not answered', async () => {
    const { call, state, clock, results } = stage({ filed: [web], live: [] });
    state.answerMs = 10;
    const found = call();
    await clock.advance(10);
    state.live = undefined;
    await clock.advance(10);
    await expect(found).resolves.toEqual({ kind: 'unconfirmed', pod: web });
    expect(results).toEqual(['unanswered']);
  });

  it('an unknown caller is held like any other, without a question while the last one was not answered', async () => {
    const { call, clock, arrive, state, questions } = stage({ live: undefined });
    state.unsaid = { why: 'away', pauseMs: 600_000 };
    state.heardMs = 60_000;
    const first = call();
    await clock.advance(2_000);
    await expect(first).resolves.toEqual({ kind: 'none' });
    const second = call();
    await clock.advance(500);
    expect(questions).toEqual(['list']);
    arrive([web]);
    await expect(second).resolves.toEqual(podOf(web));
  });

  it('(a) a pod that ends is served while the kernel shows that its containers run', async () => {
    const { call, state } = stage({ filed: [ending], live: undefined });
    await expect(call()).resolves.toEqual({ kind: 'unconfirmed', pod: ending });
    state.shown = 'running';
    expect(call()).toEqual(podOf(ending));
  });
});

describe('what the kernel says of an address', () => {
  const [mine, other] = ['66:12:9c:01:2e:77 cali1 9', '66:12:9c:01:2e:78 cali2 10'];

  it('(b) has changed on a kept connection: the API server is asked again, and the connection is closed', async () => {
    const { call, open, state, questions } = stage({ filed: [web], neighbour: mine });
    const kept = open();
    await call(kept);
    state.neighbour = other;
    await expect(call(kept)).resolves.toEqual(podOf(web));
    expect([kept.isLast, questions]).toEqual([true, ['get default/web', 'get default/web']]);
  });

  it('has changed since the last confirmation: it is not good for a new connection', async () => {
    const { call, state, questions } = stage({ filed: [web], neighbour: mine });
    await call();
    Object.assign(state, { neighbour: other, live: [heir] });
    await expect(call()).resolves.toEqual(podOf(heir));
    expect(questions).toEqual(['get default/web', 'get default/web', 'list']);
  });

  it('(b) a connection that was one pod’s is never another one’s, and is told nothing of that', async () => {
    const { call, open, state, arrive } = stage({ filed: [web] });
    const kept = open();
    await call(kept);
    state.live = [heir];
    arrive([heir]);
    await expect(Promise.resolve(call(kept))).resolves.toEqual({ kind: 'unconfirmed', pod: web });
    expect(kept.isLast).toBe(true);
    await expect(Promise.resolve(call())).resolves.toEqual(podOf(heir));
  });

  it('(b) a connection of a pod whose address is nobody’s by now is closed, and its caller told that no pod has it', async () => {
    const { call, open, clock, state, arrive } = stage({ filed: [web] });
    const kept = open();
    await call(kept);
    state.live = [];
    arrive([]);
    const found = Promise.resolve(call(kept));
    await clock.advance(2_000);
    await expect(found).resolves.toEqual({ kind: 'none' });
    expect(kept.isLast).toBe(true);
  });

  it('(a) has changed, and the pod ends: a new connection is another pod’s', async () => {
    const { call, state, arrive } = stage({ filed: [web], neighbour: mine });
    await call();
    Object.assign(state, { live: [ending], neighbour: other });
    arrive([ending]);
    for (let n = 0; n < 2; n += 1)
      await expect(Promise.resolve(call())).resolves.toEqual({ kind: 'unconfirmed', pod: ending });
    state.neighbour = mine;
    await expect(call()).resolves.toEqual(podOf(ending));
  });

  it('is changed without end by somebody on the link: a pod is served, and questions stay few', async () => {
    const { call, clock, state, questions } = stage({ filed: [web], neighbour: mine });
    let served = 0;
    for (let n = 0; n < 600; n += 1) {
      state.neighbour = n % 2 === 0 ? mine : other;
      if ((await call()).kind === 'pod') served += 1;
      await clock.advance(100);
    }
    // A minute: one a second as ever, and as many for changes, after five at once.
    expect(questions.length).toBeLessThanOrEqual(125);
    expect(served).toBeGreaterThanOrEqual(60);
  });

  it('is changed without end, and several pods have the address: nobody is served, and questions stay few', async () => {
    const { call, state, questions } = stage({ filed: [web, heir], neighbour: mine });
    for (let n = 0; n < 50; n += 1) {
      state.neighbour = n % 2 === 0 ? mine : other;
      await expect(Promise.resolve(call())).resolves.toMatchObject({ kind: 'ambiguous' });
    }
    expect(questions.length).toBeLessThanOrEqual(6);
  });

  it('has changed in an outage: memory is not used', async () => {
    const { call, clock, state } = stage({ filed: [web], neighbour: mine });
    await call();
    Object.assign(state, { live: undefined, neighbour: other });
    await clock.advance(1_000);
    await expect(call()).resolves.toEqual({ kind: 'unconfirmed', pod: web });
  });

  it('(b) is noted with the first request of a connection, if it said nothing when that was opened', async () => {
    const { call, open, state } = stage({ filed: [web] });
    const kept = open();
    state.neighbour = mine;
    await call(kept);
    state.neighbour = other;
    await call(kept);
    expect(kept.isLast).toBe(true);
  });

  it('has changed more often than questions are allowed: the pod is not confirmed, and is not served', async () => {
    const { call, state, questions } = stage({ filed: [web], neighbour: mine });
    await call();
    for (let n = 1; n <= 5; n += 1) {
      state.neighbour = n % 2 === 0 ? mine : other;
      await expect(call()).resolves.toEqual(podOf(web));
    }
    state.neighbour = mine;
    await expect(call()).resolves.toEqual({ kind: 'unconfirmed', pod: web });
    expect(questions).toHaveLength(6);
  });

  it('has changed more often than questions are allowed, and nobody has the address: its caller is held all the same', async () => {
    const { call, clock, state, arrive } = stage({ filed: [web], live: [], neighbour: mine, holdMs: 10 });
    for (let n = 1; n <= 7; n += 1) {
      state.neighbour = n % 2 === 0 ? mine : other;
      const found = call();
      await clock.advance(10);
      await expect(found).resolves.toEqual({ kind: 'none' });
    }
    state.neighbour = other;
    const held = call();
    state.live = [heir];
    arrive([heir]);
    await expect(held).resolves.toEqual(podOf(heir));
  });
});

describe('a question that is not answered', () => {
  it('429 is an answer: a new connection is not served, an old one is, and the pause is kept', async () => {
    const { call, open, clock, state, questions } = stage({ filed: [web] });
    const kept = open();
    await call(kept);
    Object.assign(state, { live: undefined, unsaid: { why: 'refused', pauseMs: 3_000 } });
    await clock.advance(1_000);
    await expect(call()).resolves.toEqual({ kind: 'unconfirmed', pod: web });
    for (let n = 0; n < 20; n += 1) expect(call()).toEqual({ kind: 'unconfirmed', pod: web });
    expect(call(kept)).toEqual(podOf(web));
    expect(questions).toHaveLength(2);
    state.live = [web];
    await clock.advance(3_000);
    await expect(call()).resolves.toEqual(podOf(web));
  });

  it('(c) does not affect another address', async () => {
    const there = pod({ uid: 'there', name: 'there', addresses: ['10.0.0.2'] });
    const { call, find, clock, state, questions } = stage({ filed: [web, there] });
    state.live = undefined;
    await call();
    state.live = [{ ...there, addresses: ['10.0.0.9'] }];
    const other = Promise.resolve(find('10.0.0.2', connection(clock.elapsed()), patient));
    await clock.advance(2_000);
    await expect(other).resolves.toEqual({ kind: 'none' });
    expect(questions.slice(1, 3)).toEqual(['get default/there', 'list']);
  });

  it('is asked again at once when any other one was answered, or the watch was heard of', async () => {
    const there = pod({ uid: 'there', name: 'there', addresses: ['10.0.0.2'] });
    const { call, find, clock, state, questions } = stage({ filed: [web, there] });
    Object.assign(state, { live: undefined, unsaid: { why: 'away', pauseMs: 600_000 }, heardMs: 60_000 });
    await call();
    await clock.advance(4_000);
    expect(call()).toEqual(podOf(web));
    state.live = [there];
    await find('10.0.0.2', connection(clock.elapsed()), patient);
    const back = Promise.resolve(call());
    await clock.advance(2_000);
    await expect(back).resolves.toEqual({ kind: 'none' });
    expect(questions).toEqual(['get default/web', 'get default/there', 'get default/web', 'list']);
  });

  it('is asked again at once when the watch was heard of since', async () => {
    const { call, clock, state, questions } = stage({ filed: [web], live: undefined });
    state.unsaid = { why: 'away', pauseMs: 600_000 };
    await call();
    await clock.advance(4_000);
    state.heardMs = 4_000;
    expect(call()).toEqual(podOf(web));
    state.heardMs = 3_999;
    await expect(call()).resolves.toEqual(podOf(web));
    expect(questions).toHaveLength(2);
  });

  it('429 is asked again after its pause only, though the watch was heard of since', async () => {
    const { call, clock, state, questions } = stage({ filed: [web], live: undefined });
    state.unsaid = { why: 'refused', pauseMs: 5_000 };
    await call();
    await clock.advance(4_999);
    await call();
    expect(questions).toHaveLength(1);
    await clock.advance(1);
    await call();
    expect(questions).toHaveLength(2);
  });

  it('for want of a turn in time the caller is told to try again, and the next question is asked', async () => {
    const others = Array.from({ length: 10 }, (_, n) =>
      pod({ uid: `other ${n}`, name: `other-${n}`, addresses: [`10.0.1.${n}`] }),
    );
    const { call, find, clock, state, questions } = stage({
      filed: [web, ...others],
      isCurrent: false,
    });
    state.answerMs = 60_000;
    const busy = others.map(async ({ addresses: [one = ''] }) =>
      find(one, connection(clock.elapsed()), patient),
    );
    await clock.advance(0);
    const waiting = Promise.resolve(call());
    await clock.advance(8_000);
    await expect(waiting).resolves.toEqual({ kind: 'unconfirmed', pod: web });
    expect(questions).not.toContain('get default/web');
    await clock.advance(60_000);
    await Promise.all(busy);
    state.answerMs = 0;
    await expect(Promise.resolve(call())).resolves.toEqual(podOf(web));
  });

  it('memory is believed for a capped time after the watch was heard of', async () => {
    const { call, clock, state } = stage({ filed: [web], live: undefined });
    state.heardMs = 900_000;
    await expect(call()).resolves.toEqual(podOf(web));
    await clock.advance(1_000);
    state.heardMs = 901_000;
    await expect(call()).resolves.toEqual({ kind: 'unconfirmed', pod: web });
  });

  it('memory that missed what happened while the API server was there is not believed in the next outage', async () => {
    const { call, clock, state } = stage({ filed: [web], live: undefined });
    state.missedMs = 1_000;
    await expect(call()).resolves.toEqual(podOf(web));
    await clock.advance(1_000);
    state.missedMs = 1_001;
    await expect(call()).resolves.toEqual({ kind: 'unconfirmed', pod: web });
    await clock.advance(1_000);
    state.missedMs = 0;
    await expect(call()).resolves.toEqual(podOf(web));
  });

  it('an answer of the API server that is newer than the last sign of the watch is not used in an outage', async () => {
    const { call, clock, state } = stage({ filed: [web], live: [heir] });
    await clock.advance(60_000);
    state.heardMs = 30_000;
    await expect(call()).resolves.toEqual(podOf(heir));
    Object.assign(state, { live: undefined, heardMs: 35_000 });
    await clock.advance(5_000);
    await expect(call()).resolves.toEqual({ kind: 'unconfirmed', pod: heir });
  });

  it('an answer of the API server is used in an outage if the watch was heard of at the time of the question', async () => {
    const { call, clock, state } = stage({ filed: [web], live: [heir] });
    await call();
    Object.assign(state, { live: undefined, heardMs: 5_000 });
    await clock.advance(5_000);
    await expect(call()).resolves.toEqual(podOf(heir));
  });

  it('a pod that the watch and the API server both named is served in an outage, though the watch was silent since', async () => {
    const { call, clock, state } = stage({ filed: [web] });
    state.heardMs = 30_000;
    await call();
    Object.assign(state, { live: undefined, heardMs: 35_000 });
    await clock.advance(5_000);
    await expect(call()).resolves.toEqual(podOf(web));
  });
});

it('one pod’s question does not hold up another’s, and 1,000 addresses are asked after in good order', async () => {
  const addresses = Array.from({ length: 1_000 }, (_, n) => `10.0.${n >> 8}.${n & 255}`);
  const filed = addresses.map((each) => pod({ uid: `uid ${each}`, name: `web-${each}`, addresses: [each] }));
  const { find, clock, state, questions } = stage({ filed });
  state.answerMs = 10;
  const answers = addresses.map(async (each) => find(each, connection(clock.elapsed()), patient));
  await clock.advance(500);
  // 250 at once, 250 a second.
  expect(questions.length).toBeGreaterThan(250);
  expect(questions.length).toBeLessThanOrEqual(375);
  await clock.advance(10_000);
  await Promise.all(answers);
});
