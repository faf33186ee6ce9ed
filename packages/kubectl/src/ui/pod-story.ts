// One pod's story for the page: what `explain` says, its Events, and what NMI wrote about it last.
import { coreKinds, KubeError } from '@pod-identity/kit/kube';
import { CommandProblem, type Session } from '../cli/command.ts';
import { numberAt, textAt, type ObjectName } from '../cluster/fields.ts';
import { itemsOf, listAllowed, unknownOf } from '../cluster/lists.ts';
import { readStory } from '../explain/explain.ts';
import { readLastLines } from '../logs/logs.ts';
import type { PodStory } from './picture.ts';

/** Of Events and of lines: who wants more has `kubectl get events` and `logs`. */
const most = 20;
/** Of the Events that are read to find the latest. NMI and MIC write few; whoever edits the namespace can write any number. */
const mostRead = 5_000;
/** A log of days takes too long to be read. */
const logSeconds = 60 * 60;

/** `pod`: `namespace/name` */
export async function readPodStory(session: Session, pod: string): Promise<PodStory> {
  const [namespace = '', name = ''] = pod.split('/');
  const [{ result, findings }, events, lines] = await Promise.all([
    readStory(session, { namespace, name }),
    readEvents(session, { namespace, name }),
    readTokens(session, pod),
  ]);
  return {
    pod,
    findings: [result, ...findings],
    events: events.events,
    tokens: lines.tokens,
    unknown: [...events.unknown, ...lines.unknown],
  };
}

type Events = Pick<PodStory, 'events' | 'unknown'>;

export async function readEvents(
  { kube, signal }: Pick<Session, 'kube' | 'signal'>,
  { namespace, name }: ObjectName,
): Promise<Events> {
  const listed = await listAllowed({
    kube,
    signal,
    kind: coreKinds.events,
    namespace,
    fieldSelector: `involvedObject.kind=Pod,involvedObject.name=${name}`,
    atMost: mostRead,
    trim: eventOf,
  });
  const events = itemsOf(listed)
    .toSorted((one, other) => (one.time < other.time ? 1 : -1))
    .slice(0, most);
  return { events, unknown: unknownOf(listed) };
}

function eventOf(object: unknown): PodStory['events'][number] {
  const times = ['series.lastObservedTime', 'lastTimestamp', 'eventTime', 'firstTimestamp'];
  return {
    time: times.map((path) => textAt(object, path)).find(Boolean) ?? '',
    reason: textAt(object, 'reason'),
    message: textAt(object, 'message'),
    count: numberAt(object, 'series.count', numberAt(object, 'count', 1)),
  };
}

/** A user who may not read NMI's log still gets the rest. */
async function readTokens(session: Session, pod: string): Promise<Pick<PodStory, 'tokens' | 'unknown'>> {
  const unknown: string[] = [];
  const quiet = { ...session, err: (line: string) => void unknown.push(line) };
  try {
    const tokens = await readLastLines(quiet, { pod, sinceSeconds: logSeconds, tail: most });
    return { tokens: tokens.toReversed(), unknown };
  } catch (error) {
    if (!(error instanceof CommandProblem) && !(error instanceof KubeError)) throw error;
    return { tokens: [], unknown: [...unknown, `what NMI wrote about the pod: ${error.message}`] };
  }
}
