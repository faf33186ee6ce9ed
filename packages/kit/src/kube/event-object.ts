export interface EventDraft {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly involved: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespace?: string;
    readonly name: string;
    readonly uid?: string;
  };
}

export interface EventOccasion {
  readonly component: string;
  /** The node that this is told from; empty where that does not matter. */
  readonly host?: string;
  /** Tells events of one object apart. */
  readonly suffix: string;
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

const longestName = 253;
const longestMessage = 1024;

/** The core/v1 Event for a draft. */
export function eventObject({ involved, reason, message, type }: EventDraft, occasion: EventOccasion) {
  const { component, host = '', suffix, count, firstMs, lastMs } = occasion;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: {
      namespace: eventNamespace(involved),
      name: `${involved.name.slice(0, longestName - suffix.length - 1)}.${suffix}`,
    },
    involvedObject: involved,
    reason,
    message: message.length > longestMessage ? `${message.slice(0, longestMessage - 1)}…` : message,
    type,
    source: { component, ...(host !== '' && { host }) },
    reportingComponent: component,
    reportingInstance: host,
    firstTimestamp: eventTime(firstMs),
    lastTimestamp: eventTime(lastMs),
    count,
  };
}

/** An event lives beside its object; those of objects without a namespace live in `default`. */
export function eventNamespace({ namespace }: EventDraft['involved']): string {
  return namespace ?? 'default';
}

/** Kubernetes' Time: whole seconds. */
export function eventTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** The same for events of the same object. */
export function objectIdentity({ involved }: EventDraft): string {
  const { kind, namespace = '', name, uid = '' } = involved;
  return [kind, namespace, name, uid].join('/');
}

/** The same for events that differ in nothing but their time. */
export function eventIdentity(draft: EventDraft): string {
  return JSON.stringify([objectIdentity(draft), draft.type, draft.reason, draft.message]);
}
