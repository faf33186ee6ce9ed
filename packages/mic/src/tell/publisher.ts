// Publishes reports: lines to the log, limited for each namespace, and Events to the API server.
import { createBudgets } from '@pod-identity/kit/core';
import type { EventRecorder, LeftOut } from '@pod-identity/kit/kube';
import type { Log } from '@pod-identity/kit/serve';
import type { Skip } from '../plan/types.ts';
import type { SharedKind } from '../snapshot/index/cluster-index.ts';
import { namespaceOf } from '../snapshot/keys.ts';
import type { Report } from './events.ts';
import { reportLeftOut } from './report-left-out.ts';
import { reportSkip } from './report.ts';

export interface Publisher {
  publish(report: Report): void;
  /** Of removals and failed writes. Limited, since editors of the namespace can cause any number. */
  publishStep(namespace: string, report: Report): void;
  /** On pods without an assignment. Limited, since each change of an identity or binding reports all its pods again. */
  publishSkips(skips: readonly Skip[]): void;
  /** Limited with its Events: an editor can delete and create such objects without end, and a condition of the object says the same. */
  publishLeftOut(kind: SharedKind, object: LeftOut): void;
}

interface Readers {
  readonly log: Log;
  readonly events: EventRecorder;
  /** Whether this process still leads. */
  readonly holds: () => boolean;
}

/** For skips and steps separately. */
const linesOfNamespace = { burst: 100, perSecond: 5 };
/** A list names 16 of each kind, and the next comes after minutes. */
const leftOutOfNamespace = { burst: 64, perSecond: 0.2 };

function publishReport({ log, events, holds }: Readers, report: Report): void {
  for (const { level, fields, message } of report.lines) log[level](fields, message);
  // Events are writes: none is sent after the term. The next leader sends it.
  for (const event of report.events) events.record(event, undefined, holds);
}

export function createPublisher({ now, ...readers }: Readers & { readonly now: () => number }): Publisher {
  const publish = (report: Report) => publishReport(readers, report);
  const skips = createBudgets(linesOfNamespace);
  const steps = createBudgets(linesOfNamespace);
  const leftOut = createBudgets(leftOutOfNamespace);
  return {
    publish,
    publishStep: (namespace, report) =>
      publish(steps.take(namespace, now()) ? report : { ...report, lines: [] }),
    publishLeftOut(kind, object) {
      if (leftOut.take(namespaceOf(object.key), now())) publish(reportLeftOut(kind, object));
    },
    publishSkips(all) {
      for (const skip of all) {
        const report = reportSkip(skip);
        const isWritten = report.lines.length > 0 && skips.take(skip.pod.namespace, now());
        publish(isWritten ? report : { ...report, lines: [] });
      }
    },
  };
}
