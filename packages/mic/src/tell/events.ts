// What MIC says on objects: one table of reasons, the involved objects of Events, and texts that several reports share.
import { apiVersion, hostName, type Host, type ResourceId } from '@pod-identity/crd-types';
import type { EventDraft, EventRecorder } from '@pod-identity/kit/kube';
import type { Log } from '@pod-identity/kit/serve';
import { adviceOf } from '@pod-identity/policy';
import { remedyFor } from './remedy.ts';
import type { Quarantine } from '../snapshot/facts/facts.ts';

/** By the reason of the Event: its type, and the level of its line in the log. */
const reasons = {
  'binding applied': ['Normal', 'info'],
  'binding removed': ['Normal', 'info'],
  'binding apply error': ['Warning', 'warn'],
  'binding remove error': ['Warning', 'warn'],
  WaitingForIdentity: ['Warning', 'info'],
  IdentityRejected: ['Warning', 'info'],
  // Each change of an identity or binding reports all its pods again, so that an editor could fill the log.
  IdentityNotFound: ['Warning', 'debug'],
  IdentityNotBound: ['Warning', 'debug'],
  AccessDenied: ['Warning', 'debug'],
  AccessWouldBeDenied: ['Warning', 'debug'],
  AccessNotReviewed: ['Warning', 'debug'],
} as const satisfies Readonly<Record<string, readonly [EventDraft['type'], LogLine['level']]>>;

export type EventReason = keyof typeof reasons;

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export interface Report {
  readonly events: readonly EventDraft[];
  readonly lines: readonly LogLine[];
}

export const nothing: Report = { events: [], lines: [] };

export function line(level: LogLine['level'], fields: LogLine['fields'], message: string): Report {
  return { events: [], lines: [{ level, fields, message }] };
}

type Involved = EventDraft['involved'];

export function event(reason: EventReason, message: string, involved: Involved): EventDraft {
  return { type: reasons[reason][0], reason, message, involved };
}

/** An Event, if there is an object for it, and its line. */
export function said(
  reason: EventReason,
  message: string,
  { on, ...fields }: LogLine['fields'] & { readonly on: Involved | undefined },
): Report {
  return {
    ...line(reasons[reason][1], { event: reason, ...fields }, message),
    events: on ? [event(reason, message, on)] : [],
  };
}

export type Publish = (report: Report) => void;

/** Events are writes: none is sent after the term, when the next leader reports the same. */
export function createPublish(log: Log, events: EventRecorder, holds: () => boolean): Publish {
  return (report) => {
    for (const { level, fields, message } of report.lines) log[level](fields, message);
    for (const one of report.events) events.record(one, undefined, holds);
  };
}

/** The involved object of an Event; only the name is known of deleted ones. */
export interface Named {
  readonly namespace?: string;
  readonly name: string;
  readonly uid?: string;
}

const involve =
  (kind: string, version: string) =>
  ({ namespace = '', name, uid }: Named): Involved => ({
    apiVersion: version,
    kind,
    namespace,
    name,
    ...(uid !== undefined && { uid }),
  });
export const onBinding = involve('AzureIdentityBinding', apiVersion);
export const onIdentity = involve('AzureIdentity', apiVersion);
export const onPod = involve('Pod', 'v1');

export function namedByKey(key: string) {
  const [namespace = '', name = ''] = key.split('/');
  return { namespace, name };
}

export function describeHost(host: Host): string {
  return `${host.kind === 'vmss' ? 'scale set' : 'virtual machine'} ${hostName(host)}`;
}

export interface Refused {
  readonly name: string;
  readonly hostText: string;
  readonly id: ResourceId | undefined;
  readonly micPrincipalId: string | undefined;
}

export function rejection(
  { code, message }: Quarantine,
  { name, hostText, id, micPrincipalId }: Refused,
): string {
  const remedy = id === undefined ? undefined : remedyFor({ code, id, micPrincipalId });
  // Azure's message comes last: it is long, and the end of an Event's message is cut off.
  const advice = remedy ? ` ${adviceOf(remedy)}.` : '';
  return `identity ${name} cannot be attached to ${hostText} (${code}).${advice} Azure said: ${message}`;
}
