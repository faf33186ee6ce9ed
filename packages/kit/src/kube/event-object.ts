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
  /** The node that reports it; empty if irrelevant. */
  readonly host?: string;
  /** Makes the name unique for the object. */
  readonly suffix: string;
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Limits of the API server, which would refuse the Event. */
const longestName = 253;
const longestMessage = 1024;

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

/** That of the object; `default` for objects without a namespace. */
export function eventNamespace({ namespace }: EventDraft['involved']): string {
  return namespace ?? 'default';
}

/** Kubernetes' Time: whole seconds. */
export function eventTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

export function objectIdentity({ involved }: EventDraft): string {
  const { kind, namespace = '', name, uid = '' } = involved;
  return [kind, namespace, name, uid].join('/');
}

/** Equal for events that differ only in time. */
export function eventIdentity(draft: EventDraft): string {
  return JSON.stringify([objectIdentity(draft), draft.type, draft.reason, draft.message]);
}
