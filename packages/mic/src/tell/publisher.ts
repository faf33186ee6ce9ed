// Publishes reports: lines to the log, limited for each namespace, and Events to the API server.
import { createBudgets } from '@pod-identity/kit/core';
import type { EventRecorder } from '@pod-identity/kit/kube';
import type { Log } from '@pod-identity/kit/serve';
import type { Skip } from '../plan/types.ts';
import type { Report } from './events.ts';
import { reportSkip } from './report.ts';

export interface Publisher {
  publish(report: Report): void;
  /** Of removals and failed writes. Limited, since editors of the namespace can cause any number. */
  publishStep(namespace: string, report: Report): void;
  /** On pods without an assignment. Limited, since each change of an identity or binding reports all its pods again. */
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

/** For skips and steps separately. */
const linesOfNamespace = { burst: 100, perSecond: 5 };

export function publishReport({ log, events, holds }: Readers, report: Report): void {
  for (const { level, fields, message } of report.lines) log[level](fields, message);
  // Events are writes: none is sent after the term. The next leader sends it.
  for (const event of report.events) events.record(event, undefined, holds);
}

export function createPublisher({ now, ...readers }: PublisherOptions): Publisher {
  const publish = (report: Report) => publishReport(readers, report);
  const skips = createBudgets(linesOfNamespace);
  const steps = createBudgets(linesOfNamespace);
  return {
    publish,
    publishStep: (namespace, report) =>
      publish(steps.take(namespace, now()) ? report : { ...report, lines: [] }),
    publishSkips(all) {
      for (const skip of all) {
        const report = reportSkip(skip);
        const isWritten = report.lines.length > 0 && skips.take(skip.pod.namespace, now());
        publish(isWritten ? report : { ...report, lines: [] });
      }
    },
  };
}
