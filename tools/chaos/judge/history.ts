// What happened during a run, as plain values: the judges read nothing else, so that a test can construct violations.
// Times are milliseconds since the epoch, by the clock of the process that recorded all of it.

export interface KubeObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** One version of an object; undefined: it was deleted. */
export interface ObjectChange {
  readonly at: number;
  /** `pods`, `azureidentities`, `leases` … */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly object: KubeObject | undefined;
}

/** From then on the address belongs to this pod (`namespace/name`); undefined: to none. */
export interface AddressChange {
  readonly at: number;
  readonly address: string;
  readonly pod: string | undefined;
}

/** A token request of a pod. */
export interface Ask {
  readonly at: number;
  readonly endedAt: number;
  readonly node: string;
  readonly address: string;
  /** 0: no response. */
  readonly status: number;
  /** The client id of the response, and the one in its token. */
  readonly clientId?: string;
  readonly token?: { readonly clientId: string; readonly resourceId: string };
  readonly reason: string;
  /** What the pod named: the client id or the resource id of an identity. */
  readonly asked?: { readonly clientId: string } | { readonly resourceId: string };
  /** Sent over a connection of an earlier request. */
  readonly reused?: boolean;
}

/** A write to the API server by one MIC. */
export interface Write {
  readonly at: number;
  readonly component: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

/** A PATCH that reached ARM. */
export interface Patch {
  readonly at: number;
  readonly component: string;
  readonly host: string;
  /** Whether it was carried out, even if MIC got no response. */
  readonly isAccepted: boolean;
  /** Resource ids in lower case. */
  readonly attaches: readonly string[];
  readonly detaches: readonly string[];
}

/** A change by users or by Azure. Ids in lower case. */
export type AzureEvent =
  | {
      readonly at: number;
      readonly kind: 'attached' | 'detached';
      readonly host: string;
      readonly id: string;
    }
  | { readonly at: number; readonly kind: 'host-emptied'; readonly host: string }
  | { readonly at: number; readonly kind: 'identity-gone' | 'identity-created'; readonly id: string };

export interface Exit {
  readonly at: number;
  readonly service: string;
  readonly isExpected: boolean;
  readonly lastLine: string;
}

/** Lines that a process printed in one minute of the run. */
export interface LineCount {
  readonly at: number;
  readonly service: string;
  readonly minute: number;
  readonly lines: number;
}

/** A line of level error, or one that is no log line: what Node prints. */
export interface ErrorLine {
  readonly at: number;
  readonly service: string;
  readonly message: string;
}

/** A process at the end of the run. */
export interface Resources {
  readonly at: number;
  readonly service: string;
  readonly memoryMiB: number;
  /** Of its event loop, p99. A busy machine makes it long, so no rule limits it. */
  readonly lagMs: number;
}

/** The time of a fault; of `disturbances`, a time in which NMI gets no updates from the API server. */
export interface Disturbance {
  readonly kind: string;
  readonly startedAt: number;
  readonly endedAt: number;
}

/** A process was stopped (SIGSTOP). */
export interface Standstill {
  readonly component: string;
  readonly endedAt: number;
}

/** A fault that is over. `hits`: how many requests, connections or processes it has struck. */
export interface Strike {
  readonly at: number;
  readonly kind: string;
  readonly hits: number;
}

/** A readable list of what was done when. */
export interface Note {
  readonly at: number;
  readonly what: string;
}

export interface History {
  readonly changes: readonly ObjectChange[];
  readonly addresses: readonly AddressChange[];
  readonly asks: readonly Ask[];
  readonly writes: readonly Write[];
  readonly patches: readonly Patch[];
  readonly azure: readonly AzureEvent[];
  readonly exits: readonly Exit[];
  readonly lines: readonly LineCount[];
  readonly errors: readonly ErrorLine[];
  readonly resources: readonly Resources[];
  /** All faults, each until it is overcome. */
  readonly faults: readonly Disturbance[];
  readonly disturbances: readonly Disturbance[];
  readonly standstills: readonly Standstill[];
  readonly notes: readonly Note[];
  readonly strikes: readonly Strike[];
}

export interface Violation {
  readonly at: number;
  readonly rule: string;
  readonly what: string;
}

export const keyOf = ({ namespace, name }: { readonly namespace: string; readonly name: string }): string =>
  `${namespace}/${name}`;
