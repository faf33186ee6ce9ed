// The problems that are left after the end of all faults and the time to recover; none if all is right.
import type { KubeObject } from './history.ts';
import { recordOf } from './hosts.ts';
import { isExempt, labelOf, textOf } from './truth.ts';

export interface Answer {
  /** `namespace/name` of the pod. */
  readonly pod: string;
  /** The requested resource id, in lower case; undefined: the pod named none. */
  readonly wanted: string | undefined;
  readonly status: number;
  /** Of the token, in lower case. */
  readonly resourceId?: string;
  readonly reason: string;
}

export interface EndView {
  readonly pods: readonly KubeObject[];
  readonly identities: readonly KubeObject[];
  readonly bindings: readonly KubeObject[];
  readonly exceptions: readonly KubeObject[];
  readonly assigned: readonly KubeObject[];
  /** The records of hosts. */
  readonly records: readonly KubeObject[];
  /** Host id, in lower case, of each node by name. */
  readonly hostOfNode: ReadonlyMap<string, string>;
  /** By host id: what it carries, in lower case. */
  readonly attached: ReadonlyMap<string, readonly string[]>;
  readonly people: ReadonlyMap<string, ReadonlySet<string>>;
  readonly either: ReadonlyMap<string, ReadonlySet<string>>;
}

/** The pod should act as the identity on the host. */
export interface Want {
  readonly pod: KubeObject;
  readonly identity: KubeObject;
  readonly host: string;
  readonly resourceId: string;
}

export const nameOf = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;

const isIn = (namespace: string | undefined) => (object: KubeObject) =>
  object.metadata.namespace === namespace;

function isFinished(pod: KubeObject): boolean {
  const { phase = '' } = (pod['status'] ?? {}) as { phase?: string };
  return phase === 'Succeeded' || phase === 'Failed';
}

function wantsOf(pod: KubeObject, view: EndView): Want[] {
  const { namespace } = pod.metadata;
  const label = labelOf(pod);
  if (label === '' || isFinished(pod)) return [];
  const names = new Set(
    view.bindings
      .filter(isIn(namespace))
      .filter((binding) => textOf(binding, 'selector') === label)
      .map((binding) => textOf(binding, 'azureIdentity')),
  );
  const host = view.hostOfNode.get(textOf(pod, 'nodeName')) ?? '';
  return view.identities
    .filter(isIn(namespace))
    .filter(({ metadata }) => names.has(metadata.name))
    .map((identity) => ({ pod, identity, host, resourceId: textOf(identity, 'resourceID').toLowerCase() }));
}

export function problemsOf(view: EndView): string[] {
  const wants = view.pods.flatMap((pod) => wantsOf(pod, view));
  return [
    ...judgeAssigned(view, wants),
    ...judgeAttached(view, wants),
    ...judgeRecords(view, wants),
    ...judgeConditions(view, wants),
  ];
}

interface AssignedSpec {
  readonly azureIdentityRef?: KubeObject;
  readonly pod?: string;
  readonly podNamespace?: string;
  readonly nodename?: string;
}

/** The key of an AzureAssignedIdentity: what makes it different from others. */
function assignedText(object: KubeObject): string {
  const {
    azureIdentityRef,
    pod = '',
    podNamespace = '',
    nodename = '',
  } = (object['spec'] ?? {}) as AssignedSpec;
  const identity = azureIdentityRef
    ? `${azureIdentityRef.metadata.name} (${textOf(azureIdentityRef, 'resourceID').toLowerCase()})`
    : '';
  const { status = '' } = (object['status'] ?? {}) as { status?: string };
  return `${podNamespace}/${pod} on ${nodename} as ${identity}: ${status}`;
}

function judgeAssigned({ assigned }: EndView, wants: readonly Want[]): string[] {
  const wanted = wants.map(
    ({ pod, identity, resourceId }) =>
      `${nameOf(pod)} on ${textOf(pod, 'nodeName')} as ${identity.metadata.name} (${resourceId}): Assigned`,
  );
  return compare('AzureAssignedIdentity', wanted, assigned.map(assignedText));
}

function compare(what: string, wanted: readonly string[], found: readonly string[]): string[] {
  return [
    ...wanted.filter((one) => !found.includes(one)).map((one) => `missing: ${what} ${one}`),
    ...found.filter((one) => !wanted.includes(one)).map((one) => `left over: ${what} ${one}`),
    ...found.filter((one, position) => found.indexOf(one) !== position).map((one) => `twice: ${what} ${one}`),
  ];
}

function wantedOn(host: string, wants: readonly Want[]): Set<string> {
  return new Set(wants.filter((want) => want.host === host).map(({ resourceId }) => resourceId));
}

function judgeAttached({ attached, people, either }: EndView, wants: readonly Want[]): string[] {
  return [...attached].flatMap(([host, found]) => {
    const wanted = new Set([...(people.get(host) ?? []), ...wantedOn(host, wants)]);
    const isOpen = (id: string) => either.get(host)?.has(id) === true && !wanted.has(id);
    return compare(
      `identity on ${host}:`,
      [...wanted],
      found.filter((id) => !isOpen(id)),
    );
  });
}

function judgeRecords({ records, people, either, attached }: EndView, wants: readonly Want[]): string[] {
  const owned = new Map<string, string[]>();
  const problems = records.flatMap((configMap) => {
    const { host, ours = [] } = recordOf(configMap);
    const id = (host?.id ?? '').toLowerCase();
    owned.set(
      id,
      ours.map((own) => own.id.toLowerCase()),
    );
    return ours
      .filter(({ confirmed }) => confirmed !== true)
      .map((own) => `the record of ${id} holds an intent that nobody settled: ${own.id}`);
  });
  const expected = [...attached.keys()].flatMap((host) => {
    const isOpen = (one: string) => either.get(host)?.has(one) === true;
    const mics = [...wantedOn(host, wants)].filter((one) => people.get(host)?.has(one) !== true);
    const found = (owned.get(host) ?? []).filter((one) => !isOpen(one));
    return compare(
      `on record as MIC's on ${host}:`,
      mics.filter((one) => !isOpen(one)),
      found,
    );
  });
  return [...problems, ...expected];
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
}

function readyOf(object: KubeObject): string {
  const { conditions = [] } = (object['status'] ?? {}) as { conditions?: readonly Condition[] };
  const ready = conditions.find(({ type }) => type === 'Ready');
  return ready ? `${ready.status} ${ready.reason}` : 'none';
}

function judgeConditions(view: EndView, wants: readonly Want[]): string[] {
  const differs = (object: KubeObject, kind: string, wanted: readonly string[]) =>
    wanted.includes(readyOf(object))
      ? []
      : [`condition Ready of ${kind} ${nameOf(object)} is ${readyOf(object)} and not ${wanted.join(' or ')}`];
  const used = new Set(wants.map(({ identity }) => nameOf(identity)));
  return [
    ...view.identities.flatMap((identity) => {
      const isUsed = used.has(nameOf(identity));
      return differs(identity, 'AzureIdentity', isUsed ? ['True Attached'] : ['True NotInUse']);
    }),
    ...view.bindings.flatMap((binding) => {
      const target = `${binding.metadata.namespace ?? ''}/${textOf(binding, 'azureIdentity')}`;
      const isThere = view.identities.some((identity) => nameOf(identity) === target);
      return differs(binding, 'AzureIdentityBinding', [isThere ? 'True Bound' : 'False IdentityNotFound']);
    }),
  ];
}

export interface Question {
  readonly pod: KubeObject;
  /** The identity that is requested by its client id; undefined: the pod has none. */
  readonly want: Want | undefined;
}

/** The requests of each pod at the end. Pods with an exception get any identity of the machine and send none. */
export function lastRequests(view: EndView, nmiNodes: readonly string[]): Question[] {
  return view.pods
    .filter((pod) => nmiNodes.includes(textOf(pod, 'nodeName')) && !isFinished(pod))
    .filter((pod) => !view.exceptions.filter(isIn(pod.metadata.namespace)).some((one) => isExempt(pod, one)))
    .flatMap((pod): Question[] => {
      const wants = wantsOf(pod, view);
      return wants.length === 0 ? [{ pod, want: undefined }] : wants.map((want) => ({ pod, want }));
    });
}

/** The problem of a response at the end, if there is one. */
export function problemOf({ pod, wanted, status, resourceId, reason }: Answer): string | undefined {
  if (wanted !== undefined) {
    if (status === 200 && resourceId === wanted) return undefined;
    return `${pod} asked for ${wanted} and got ${status} ${resourceId ?? reason}`;
  }
  if (status === 200) return `${pod} may have nothing and got a token of ${resourceId ?? 'nobody'}`;
  return reason === '' ? `${pod} got ${status} without a reason` : undefined;
}
