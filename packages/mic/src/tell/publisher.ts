// Where reports go: lines into the log, Events to the API server, no more lines of a namespace than it may have.
import { createBudgets } from '@pod-identity/kit/core';
import type { EventRecorder } from '@pod-identity/kit/kube';
import type { Log } from '@pod-identity/kit/serve';
import type { Skip } from '../plan/types.ts';
import type { Report } from './events.ts';
import { reportSkip } from './report.ts';

export interface Publisher {
  publish(report: Report): void;
  /** Of an object in a namespace, whose editor may write any number of them for MIC to remove. */
  publishRemoval(namespace: string, report: Report): void;
  /** On pods that get nothing: each change of an identity or binding reports all its pods again. */
  publishSkips(skips: readonly Skip[]): void;
}

interface Readers {
  readonly log: Log;
  readonly events: EventRecorder;
  /** Whether this process still leads. */
  readonly holds: () => boolean;
}

export interface PublisherOptions extends Readers {
  readonly now: () => number;
}

/** For skips and for removals, each. */
const linesOfNamespace = { burst: 100, perSecond: 5 };

export function publishReport({ log, events, holds }: Readers, report: Report): void {
  for (const { level, fields, message } of report.lines) log[level](fields, message);
  // An Event is a write as well: none after the term, however long it has waited by then. The next leader sends it.
  for (const event of report.events) events.record(event, undefined, holds);
}

export function createPublisher({ now, ...readers }: PublisherOptions): Publisher {
  const publish = (report: Report) => publishReport(readers, report);
  const skips = createBudgets(linesOfNamespace);
  const removals = createBudgets(linesOfNamespace);
  return {
    publish,
    publishRemoval: (namespace, report) =>
      publish(removals.take(namespace, now()) ? report : { ...report, lines: [] }),
    publishSkips(all) {
      for (const skip of all) {
        const report = reportSkip(skip);
        const isWritten = report.lines.length > 0 && skips.take(skip.pod.namespace, now());
        publish(isWritten ? report : { ...report, lines: [] });
      }
    },
  };
}
