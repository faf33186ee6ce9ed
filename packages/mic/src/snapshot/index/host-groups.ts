// Maps nodes to hosts. A scale set is one host for all its nodes; nodes without a host form a group too.
import { parseProviderId, type Host, type ResourceId } from '@pod-identity/crd-types';
import type { NodeView } from '../views.ts';
import { Grouped } from './grouped.ts';

/** The id of a host; undefined for everything without one: other machines, missing nodes, unscheduled pods. */
export type HostKey = ResourceId | undefined;

export interface NodeHost {
  /** Whether the node exists. */
  readonly exists: boolean;
  readonly host?: Host;
  /** Why an existing node has no host. */
  readonly problem?: string;
}

const nowhere: NodeHost = { exists: false };

export class HostGroups {
  readonly #nodeHosts = new Map<string, NodeHost>();
  readonly #nodes = new Grouped<HostKey, string>();
  readonly #hosts = new Map<ResourceId, Host>();

  ofNode(node: string): NodeHost {
    return this.#nodeHosts.get(node) ?? nowhere;
  }

  host(id: ResourceId): Host | undefined {
    return this.#hosts.get(id);
  }

  hosts(): Iterable<Host> {
    return this.#hosts.values();
  }

  nodesOf(host: HostKey): ReadonlySet<string> {
    return this.#nodes.of(host);
  }

  /** Returns whether the node's place has changed. */
  set(node: string, view: NodeView | undefined): boolean {
    const before = this.ofNode(node);
    const after = view === undefined ? nowhere : nodeHostOf(view);
    if (isSame(before, after)) return false;
    this.#leave(node, before);
    if (after.exists) this.#enter(node, after);
    return true;
  }

  #enter(node: string, nodeHost: NodeHost): void {
    const { host } = nodeHost;
    // One shared object for all nodes of a scale set.
    const known = host === undefined ? undefined : this.#hosts.get(host.id);
    this.#nodeHosts.set(node, known === undefined ? nodeHost : { exists: true, host: known });
    if (host !== undefined && known === undefined) this.#hosts.set(host.id, host);
    this.#nodes.add(host?.id, node);
  }

  #leave(node: string, nodeHost: NodeHost): void {
    const id = nodeHost.host?.id;
    this.#nodeHosts.delete(node);
    this.#nodes.remove(id, node);
    if (id !== undefined && this.#nodes.of(id).size === 0) this.#hosts.delete(id);
  }
}

function nodeHostOf(view: NodeView): NodeHost {
  const parsed = parseProviderId(view.providerId);
  if (parsed.ok) return { exists: true, host: parsed.value };
  return { exists: true, problem: parsed.problems.map(({ message }) => `providerID ${message}`).join('; ') };
}

function isSame(a: NodeHost, b: NodeHost): boolean {
  return a.exists === b.exists && a.host?.id === b.host?.id && a.problem === b.problem;
}
