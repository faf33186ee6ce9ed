// Who may use which identity, while this process leads: the pairs of the index are asked about, and what the answers change is
// planned like any other change.
import type { Clock } from '@pod-identity/kit/core';
import { createAccessReviewer, type KubeTransport, type LeaderTerm } from '@pod-identity/kit/kube';
import type { Log, Metrics } from '@pod-identity/kit/serve';
import { askPairs } from '../access/asker.ts';
import { AccessBook } from '../access/book.ts';
import { createProof, type Proof } from '../access/proof.ts';
import type { ClusterIndex } from '../snapshot/index/cluster-index.ts';
import type { AccessGroup, AccessRules } from '../snapshot/index/rights.ts';
import type { MicMetricSpecs } from '../tell/metrics.ts';
import type { AccessSettings } from './settings.ts';

/** Pairs of one namespace, of which its editors can make any number. */
const pairsPerNamespace = 10_000;
const asInOriginal: AccessSettings = { mode: 'namespace', recheckMs: 300_000 };

/** What is kept from one term to the next: pairs, not verdicts. */
export interface Rights extends AccessRules {
  readonly proof: Proof;
}

export interface RightsOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

export function createRights(
  { mode, recheckMs }: AccessSettings = asInOriginal,
  options: RightsOptions,
): Rights {
  const book = new AccessBook<AccessGroup>({ pairsPerNamespace, recheckMs });
  const proof = createProof({ ...options, reviewer: createAccessReviewer(options.transport) });
  // In mode `namespace` the annotation of a Namespace may still ask for it, later.
  if (mode !== 'namespace') void proof.proven();
  return { mode, book, proof };
}

export interface TermRightsOptions extends RightsOptions {
  readonly rights: Rights;
  readonly term: LeaderTerm;
  readonly index: ClusterIndex;
  readonly metrics: Metrics<MicMetricSpecs>;
}

export interface TermRights {
  /** Called when pods may get something else. Returns the function that ends it. */
  readonly onChange: (listener: () => void) => () => void;
  /** Resolves when the rights that pods need have been asked for once. */
  readonly known: Promise<void>;
  /** Resolves when the term is over and nothing is on its way any more. */
  run(): Promise<void>;
}

export function createTermRights(options: TermRightsOptions): TermRights {
  const { rights, transport, index, metrics, ...rest } = options;
  const listeners = new Set<() => void>();
  const known = Promise.withResolvers<undefined>();
  if (rights.book.nextAt === undefined) known.resolve(undefined);
  return {
    known: known.promise.then(() => undefined),
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    run: () =>
      askPairs<AccessGroup>({
        ...rest,
        book: rights.book,
        // Fenced by the lease: whoever does not lead asks nothing.
        reviewer: createAccessReviewer(transport),
        proven: () => rights.proof.proven(),
        onIdle: () => known.resolve(undefined),
        onReview: (result) => metrics.count('accessReviews', { result }),
        onChanged(groups) {
          index.rightsChanged(groups);
          for (const listener of listeners) listener();
        },
      }),
  };
}

export function showRights({ mode, book }: Rights, metrics: Metrics<MicMetricSpecs>): void {
  metrics.set('accessMode', 1, { mode });
  const census = book.census();
  for (const verdict of ['allowed', 'denied', 'unknown'] as const)
    metrics.set('accessPairs', census[verdict], { verdict });
}
