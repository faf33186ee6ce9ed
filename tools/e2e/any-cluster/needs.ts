// What a run needs of the cluster, and what keeps it from beginning there.
import { programsOf, type Given } from './given.ts';

/** What the API server says before anything is written. */
export interface Seen {
  readonly isAdministrator: boolean;
  readonly nodes: readonly SeenNode[];
  /** Objects that this run would create or that belong to an installation. */
  readonly existing: readonly SeenObject[];
}
export interface SeenNode {
  readonly name: string;
  readonly os: string;
  readonly isSchedulable: boolean;
  readonly isReady: boolean;
  readonly taints: readonly SeenTaint[];
  readonly providerId: string;
}
export interface SeenTaint {
  readonly key: string;
  readonly effect: string;
}
export interface SeenObject {
  /** As `Kind NAMESPACE/NAME`. */
  readonly what: string;
  /** Created by an earlier run of this command. */
  readonly isLeftover: boolean;
}

export function describeNeeds(given: Given): readonly string[] {
  const { images, tag, identities } = given;
  const needed = programsOf(given).map((name) => `${images}/${name}:${tag}`);
  const always = [
    'an API server that this machine reaches, and the rights of cluster-admin;',
    'no installation of this project or of the original AAD Pod Identity;',
    `nodes of Linux that can pull ${needed.join(' and ')}, or have them;`,
    'no policy that forbids pods on the host network with NET_ADMIN in the namespace aad-pod-identity.',
  ];
  const azure = identities
    ? [
        'machines of Azure, or of a simulator: provider ids azure://…, /etc/kubernetes/azure.json on each node, the metadata service at 169.254.169.254;',
        'the right of MIC to attach the two identities to the machines.',
      ]
    : [];
  return [...always, ...azure];
}

export function describeEffects({ identities }: Given): readonly string[] {
  return [
    'Until the end NMI answers in place of the metadata service of the machines: other pods get no tokens of identities of their machine.',
    ...(identities ? ['MIC attaches the two identities to the machines, and detaches them at the end.'] : []),
    'At the end, also after a failure or Ctrl-C, everything that the run created is removed.',
  ];
}

export const skipped = ({ identities }: Given): readonly string[] => [
  'Left out, as it needs a shell on the nodes: what bypasses NMI, rules of the firewall, an address that another pod gets, a restart of a node or of the API server.',
  ...(identities
    ? []
    : [
        'Left out without --identity: everything that needs Azure, which is MIC and tokens. NMI is installed alone (managed mode).',
      ]),
];

/** MIC tolerates no other taint. */
const startupTaint = 'aadpodidentity.k8s.io/nmi-not-ready';

/** Pods without tolerations of their own, and MIC. */
const takesPods = ({ os, isSchedulable, taints }: SeenNode): boolean =>
  os === 'linux' &&
  isSchedulable &&
  taints.every(({ key, effect }) => effect === 'PreferNoSchedule' || key === startupTaint);

export const nodesForMic = ({ nodes }: Pick<Seen, 'nodes'>): number => nodes.filter(takesPods).length;

function problemsOfNodes({ nodes }: Seen, { identities }: Given): readonly string[] {
  const problems: string[] = [];
  // NMI’s DaemonSet has a pod on cordoned and tainted nodes, too, and the run waits for each.
  const notReady = nodes.filter(({ os, isReady }) => os === 'linux' && !isReady);
  if (notReady.length > 0)
    problems.push(
      `NMI has to become ready on every node of Linux; these nodes are not Ready: ${namesOf(notReady)}. Repair them, or delete them from the cluster.`,
    );
  const usable = nodes.filter(takesPods);
  if (usable.length === 0)
    problems.push(`None of ${nodes.length} nodes runs Linux and takes pods (no cordon, no taint).`);
  const elsewhere = usable.filter(({ providerId }) => !/^azure:\/\//i.test(providerId));
  if (identities && elsewhere.length > 0)
    problems.push(
      `MIC attaches identities to machines of Azure only; these nodes have no provider id azure://…: ${namesOf(elsewhere)}. Leave --identity out to test NMI alone.`,
    );
  return problems;
}

/** A sentence for each reason not to begin. */
export function problemsOf(seen: Seen, given: Given): readonly string[] {
  const { isAdministrator, existing } = seen;
  const problems: string[] = [];
  if (!isAdministrator)
    problems.push('The user of the kubeconfig may not do everything: give one with the role cluster-admin.');
  problems.push(...problemsOfNodes(seen, given));
  const foreign = existing.filter(({ isLeftover }) => !isLeftover);
  const leftover = existing.filter(({ isLeftover }) => isLeftover);
  if (foreign.length > 0)
    problems.push(
      `This cluster has an installation, which is left as it is: ${listed(foreign)}. Take another cluster, or remove it first (deploy/README.md, Remove).`,
    );
  if (leftover.length > 0)
    problems.push(
      `An earlier run left, or a run at this moment uses: ${listed(leftover)}. --remove-leftovers removes them first.`,
    );
  return problems;
}

const most = 8;

const namesOf = (nodes: readonly SeenNode[]) => listed(nodes.map(({ name }) => ({ what: name })));

function listed(objects: readonly Pick<SeenObject, 'what'>[]): string {
  const shown = objects.slice(0, most).map(({ what }) => what);
  return [...shown, ...(objects.length > most ? [`and ${objects.length - most} more`] : [])].join(', ');
}
