// Limits: updates of a host, log lines, memory, the namespaces that an Event may name; no process ends by itself or logs an unexpected error.
import type { Recovery } from '../recovery.ts';
import type { History, Violation } from './history.ts';

/** ARM's published limit for each resource: a burst of 12. MIC stays below it, also across changes of the leader. */
const patchesPerMinute = 12;
const minuteMs = 60_000;
/** Enough for a process in a small cluster with many faults at the same time. */
const linesPerMinute = 1_500;
/** Resident, at the end: 105 to 115 are usual, whatever the length of the run. */
const mostMiB = 200;

/** From a fault until all is right again: the promise of docs/administrator/operations.md, with a margin for Azure and a busy machine. */
const recoveryMs = 10_000;
/** A half-open watch is noticed after 90 s. */
const halfOpenMs = 90_000;

/** The problem, if it took too long. */
export function slowRecovery({ kind, ms }: Recovery): string | undefined {
  const mostMs = kind === 'watches-half-open' ? halfOpenMs + recoveryMs : recoveryMs;
  return ms > mostMs ? `${kind} was overcome after ${ms} ms; ${mostMs} are the most` : undefined;
}

/** A fault that strikes nothing tests nothing. Each measured fault strikes; of faults at random times, one of three of a kind. */
const faultsWithoutHit = 2;

export function judgeStrikes({ strikes }: Pick<History, 'strikes'>): Violation[] {
  return [...Map.groupBy(strikes, ({ kind }) => kind)].flatMap(([kind, all]) => {
    const most = kind.startsWith(passing) ? faultsWithoutHit : 0;
    if (all.length <= most || all.some(({ hits }) => hits > 0)) return [];
    return { at: all[0]?.at ?? 0, rule: 'no-hit', what: `${all.length} faults ${kind}, and none has struck` };
  });
}

/** In front of the kinds of faults at random times. */
export const passing = 'passing ';

/** Lines of level error that faults of these kinds explain. A request without a response is given up after 30 s. */
const explained = {
  message: 'host records cannot be read',
  by: /^(api-|mic-cut-off|passing kube-)/,
  ms: 35_000,
};

export function judgeLimits(history: History): Violation[] {
  return [
    ...judgePatches(history),
    ...judgeLines(history),
    ...judgeErrors(history),
    ...judgeMemory(history),
    ...judgeReuse(history),
    ...judgeExits(history),
    ...judgeEvents(history),
    ...judgeStrikes(history),
  ];
}

/** One violation for each host, at the first PATCH over the limit. */
function judgePatches({ patches }: History): Violation[] {
  const byHost = Map.groupBy(patches, ({ host }) => host);
  return [...byHost].flatMap(([host, own]) => {
    const times = own.map(({ at }) => at).sort((a, b) => a - b);
    const position = times.findIndex(
      (at, index) => at - (times[index - patchesPerMinute] ?? -Infinity) < minuteMs,
    );
    if (position < 0) return [];
    const what = `more than ${patchesPerMinute} PATCHes of ${host} in a minute, all leaders counted`;
    return { at: times[position] ?? 0, rule: 'arm-budget', what };
  });
}

function judgeLines({ lines }: History): Violation[] {
  return lines
    .filter((count) => count.lines > linesPerMinute)
    .map(({ at, service, minute, lines: count }) => ({
      at,
      rule: 'log-lines',
      what: `${service} printed ${count} lines in minute ${minute + 1}; ${linesPerMinute} are the most`,
    }));
}

function judgeErrors({ errors, faults }: History): Violation[] {
  const isExplained = (at: number, message: string) =>
    message.startsWith(explained.message) &&
    faults
      .filter(({ kind }) => explained.by.test(kind))
      .some(({ startedAt, endedAt }) => startedAt <= at && at <= endedAt + explained.ms);
  return errors
    .filter(({ at, message }) => !isExplained(at, message))
    .map(({ at, service, message }) => ({ at, rule: 'error-line', what: `${service}: ${message}` }));
}

function judgeMemory({ resources }: History): Violation[] {
  return resources
    .filter(({ memoryMiB }) => memoryMiB > mostMiB)
    .map(({ at, service, memoryMiB: has }) => {
      return { at, rule: 'memory', what: `${service} has ${has} MiB; ${mostMiB} are the most` };
    });
}

/** Requests over kept connections are part of each run. */
function judgeReuse({ asks }: History): Violation[] {
  if (asks.length === 0 || asks.some(({ reused }) => reused)) return [];
  return [{ at: 0, rule: 'no-hit', what: 'no request was sent over a connection of an earlier one' }];
}

function judgeExits({ exits }: History): Violation[] {
  return exits
    .filter(({ isExpected }) => !isExpected)
    .map(({ at, service, lastLine }) => ({
      at,
      rule: 'exit',
      what: `${service} ended by itself: ${lastLine}`,
    }));
}

/** Names in the plan contain their namespace, so that a message with a foreign name is found. */
function judgeEvents({ changes }: History): Violation[] {
  const reported = new Set<string>();
  return changes.flatMap(({ at, resource, namespace, object }) => {
    if (resource !== 'events' || object === undefined) return [];
    const message = typeof object['message'] === 'string' ? object['message'] : '';
    const foreign = /\bteam-[ab]-(pod|identity|binding|exception)-\d+/g;
    const stranger = [...message.matchAll(foreign)].find(([name]) => !name.startsWith(`${namespace}-`));
    if (stranger === undefined || reported.has(message)) return [];
    reported.add(message);
    return { at, rule: 'event-names', what: `an Event in ${namespace} names ${stranger[0]}: ${message}` };
  });
}
