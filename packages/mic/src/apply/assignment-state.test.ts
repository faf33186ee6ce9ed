import { expect, test } from 'vitest';
import { assignment, assignmentWithoutId } from '../plan/test/assignment.ts';
import { assigned, facts, hostOf, idlePlan, idOf, instanceOf, now } from '../plan/test/builders.ts';
import type { AssignmentStep } from '../plan/types.ts';
import type { HostFacts } from '../snapshot/facts/facts.ts';
import { createFacts } from '../snapshot/facts/host-facts.ts';
import { moveOf, type Move, type StepMoment } from './assignment-state.ts';

const host = hostOf(instanceOf('vmss1'));
const plan = idlePlan(host);
const id = idOf('reader');

type Step = Exclude<AssignmentStep, { kind: 'delete' }>;
const create: Step = { kind: 'create', assignment: assignment() };
const update = (current = assigned()): Step => ({ kind: 'update', assignment: assignment(), current });
const there = facts(host, ['reader']);
const lacking = facts(host);
const unread = createFacts(host);
const quarantine = { until: now + 1, failures: 1, code: 'Unknown', message: 'no' } as const;

const spent = (ms: number) =>
  new Map([['default', { failedAt: now, spentUntil: now + ms, distrusted: false }]]);

type Row = [
  sentence: string,
  step: Step,
  moment: Partial<StepMoment> & { facts: HostFacts | undefined },
  kind: string,
];
const rows: Row[] = [
  ['an identity on the host is Assigned', create, { facts: there }, 'assigned'],
  [
    'one that needs nothing on the host is Assigned',
    { kind: 'create', assignment: assignmentWithoutId() },
    { facts: undefined },
    'assigned',
  ],
  ['one that is to be renewed is held', create, { facts: there, plan: { ...plan, renew: [id] } }, 'hold'],
  ['one that is on its way out is held', create, { facts: there, leaving: new Set([id]) }, 'hold'],
  ['one that is missing is held', create, { facts: lacking }, 'hold'],
  ['one on a host that was never read is held', create, { facts: unread }, 'hold'],
  ['one on a host of which nothing is known is held', create, { facts: undefined }, 'hold'],
  [
    'an object that was Assigned stays so while its host was never heard of',
    update(),
    { facts: undefined },
    'assigned',
  ],
  [
    'so does one without a state, as the original leaves it',
    update(assigned({ state: '' })),
    { facts: unread },
    'assigned',
  ],
  [
    'but not one that was for another identity',
    update(assigned({ identity: { name: 'other' } })),
    { facts: unread },
    'hold',
  ],
  [
    'one whose namespace may try again by the time that it would be late is held',
    create,
    { facts: { ...lacking, strikes: spent(360_000 + 2_000) } },
    'hold',
  ],
  ['one that is late is Created', create, { facts: lacking, heldSince: now - 2_000 }, 'created late'],
  [
    'one that was refused is Created at once',
    create,
    { facts: { ...lacking, quarantined: new Map([[id, quarantine]]) } },
    'created rejected',
  ],
  [
    'one whose refusal has expired is held again',
    create,
    { facts: { ...lacking, quarantined: new Map([[id, { ...quarantine, until: now }]]) } },
    'hold',
  ],
  [
    'one on a host that cannot be changed is Created at once',
    create,
    { facts: { ...lacking, lastFailure: { kind: 'denied', message: 'no', failures: 1 } } },
    'created host',
  ],
  [
    'one whose namespace has had too much refused there is Created at once',
    create,
    {
      facts: {
        ...lacking,
        strikes: spent(480_000),
      },
    },
    'created host',
  ],
  [
    'one whose update Azure failed to carry out is Created at once',
    create,
    { facts: { ...lacking, failed: true, unapplied: new Set([id]) } },
    'created host',
  ],
  [
    'one whose update is on its way is held',
    create,
    { facts: { ...lacking, unapplied: new Set([id]) } },
    'hold',
  ],
  [
    'one on a host where the update of another identity failed is held',
    create,
    { facts: { ...lacking, failed: true, unapplied: new Set([idOf('other')]) } },
    'hold',
  ],
  [
    'one on a host to be left alone for long is Created at once',
    create,
    { facts: lacking, plan: { ...plan, notBefore: now + 2_001 } },
    'created host',
  ],
  [
    'one on a host to be left alone for a moment is held',
    create,
    { facts: lacking, plan: { ...plan, notBefore: now + 2_000 } },
    'hold',
  ],
  [
    'W-C7 an object that was Assigned stays so while its host is unread',
    update(),
    { facts: unread },
    'assigned',
  ],
  ['but not when its pod has moved', update(assigned({ node: 'node-9' })), { facts: unread }, 'hold'],
  ['and not when it never was', update(assigned({ state: 'Created' })), { facts: unread }, 'hold'],
  ['nor when the host is known to lack it', update(), { facts: lacking }, 'hold'],
];

function wordOf(move: Move): string {
  if (move.kind === 'hold') return move.kind;
  return [move.state.toLowerCase(), ...(move.waiting ? [move.waiting.why] : [])].join(' ');
}

test.each(rows)('%s', (...[, step, moment, expected]) => {
  const move = moveOf(step, {
    plan,
    leaving: new Set(),
    now,
    heldSince: undefined,
    recordAfterMs: 2_000,
    ...moment,
  });
  expect(wordOf(move)).toBe(expected);
  if (move.kind === 'hold') expect(move.until).toBe(now + 2_000);
});

test('a pod whose namespace has to wait gets the time', () => {
  const facts = { ...lacking, strikes: spent(480_000) };
  const moment = {
    plan,
    facts,
    leaving: new Set<typeof id>(),
    now,
    heldSince: undefined,
    recordAfterMs: 2_000,
  };
  expect(moveOf(create, moment)).toEqual({
    kind: 'write',
    state: 'Created',
    waiting: {
      why: 'host',
      message:
        'Azure refused too many identities of namespace default on this host; it is tried again in 120 s',
    },
  });
});
