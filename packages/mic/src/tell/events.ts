// Texts of Events and log lines that both reports share, and the involved objects of Events.
import { apiVersion, hostName, type Host, type ResourceId } from '@pod-identity/crd-types';
import type { EventDraft } from '@pod-identity/kit/kube';
import { adviceOf } from '@pod-identity/policy';
import { remedyFor } from './remedy.ts';
import type { PodView } from '../snapshot/views.ts';
import type { Quarantine } from '../snapshot/facts/facts.ts';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export interface Report {
  readonly events: readonly EventDraft[];
  readonly lines: readonly LogLine[];
}

/** The involved object of an Event; only the name is known of deleted ones. */
export interface Named {
  readonly namespace: string;
  readonly name: string;
  readonly uid?: string;
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

export const nothing: Report = { events: [], lines: [] };

export function line(level: LogLine['level'], fields: LogLine['fields'], message: string): Report {
  return { events: [], lines: [{ level, fields, message }] };
}

export function warning(reason: string, message: string, involved: EventDraft['involved']): EventDraft {
  return { type: 'Warning', reason, message, involved };
}

export function describeHost(host: Host): string {
  return `${host.kind === 'vmss' ? 'scale set' : 'virtual machine'} ${hostName(host)}`;
}

export function namedBy({ namespace = '', name, uid }: Partial<Named> & Pick<Named, 'name'>): Named {
  return { namespace, name, ...(uid !== undefined && { uid }) };
}

export function namedByKey(key: string): Named {
  const [namespace = '', name = ''] = key.split('/');
  return { namespace, name };
}

export const onBinding = (named: Named): EventDraft['involved'] => ({
  apiVersion,
  kind: 'AzureIdentityBinding',
  ...named,
});
export const onIdentity = (named: Named): EventDraft['involved'] => ({
  apiVersion,
  kind: 'AzureIdentity',
  ...namedBy(named),
});
export const onPod = ({ namespace, name, uid }: PodView): EventDraft['involved'] => ({
  apiVersion: 'v1',
  kind: 'Pod',
  namespace,
  name,
  uid,
});
