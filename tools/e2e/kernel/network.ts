// A node, its pods and the cloud's fabric as isolated network namespaces, all of which are removed at the end.
import { whyNoPrograms } from '@pod-identity/kit/testing';
import { runCommand } from '../../stage/run-command.ts';

export const metadataAddress = '169.254.169.254';

/**
 * Where the metadata service runs. `fabric`: outside the node, which forwards to it, as on Azure. `loopback`: on the node itself,
 * as in the Kubernetes kit's clusters.
 */
export type Layout = 'fabric' | 'loopback';

/** How pods are connected to their node. `bridge`: all by one bridge. `routed`: each by its own device with a route. */
export type PodLinks = 'bridge' | 'routed';

export interface KernelPod {
  readonly namespace: string;
  readonly address: string;
  /** The device on the node. */
  readonly link: string;
}

export interface KernelNetwork {
  /** Names of namespaces. */
  readonly node: string;
  readonly cloud: string;
  /** The cloud's address as the node reaches it. */
  readonly cloudAddress: string;
  /** The node's address as the cloud sees it. */
  readonly nodeAddresses: readonly string[];
  addPod(): Promise<KernelPod>;
  /** Moves the address from a pod to a new one; the old one's namespace stays, without a network. */
  handOver(from: KernelPod): Promise<KernelPod>;
  /** Runs a program in the node's namespace and returns its output. */
  inNode(program: string, ...args: readonly string[]): Promise<string>;
  remove(): Promise<void>;
}

/** Why network namespaces are not possible here, if so. With POD_IDENTITY_REQUIRE_KIT=1 it throws instead. */
export const whyNoKernel = (): string | undefined =>
  whyNoPrograms({ programs: ['ip', 'nft', 'iptables', 'conntrack', 'curl'], root: true });

let made = 0;

export async function openNetwork(layout: Layout, links: PodLinks = 'bridge'): Promise<KernelNetwork> {
  made += 1;
  const prefix = `nmi-${process.pid}-${made}`;
  const node = `${prefix}-node`;
  const cloud = layout === 'fabric' ? `${prefix}-cloud` : node;
  const namespaces: string[] = [];
  const add = async (name: string) => {
    await runCommand('ip', ['netns', 'add', name]);
    namespaces.push(name);
    await inside(name, 'ip link set lo up');
  };
  const remove = async () => {
    for (const name of namespaces.splice(0).reverse()) await runCommand('ip', ['netns', 'del', name]);
  };

  try {
    await add(node);
    await inside(
      node,
      'sysctl -qw net.ipv4.ip_forward=1',
      ...gateway[links],
      // Every node has such a rule: from then on the kernel tracks connections, and applies NAT rules to none of the existing ones.
      'nft add table ip node',
      'nft add chain ip node postrouting { type nat hook postrouting priority srcnat ; }',
      'nft add rule ip node postrouting ip daddr 192.0.2.0/24 masquerade',
    );
    if (layout === 'fabric') {
      await add(cloud);
      await joinFabric(node, cloud);
    } else {
      await inside(node, `ip address add ${metadataAddress}/32 dev lo`);
    }
  } catch (error) {
    await remove();
    throw error;
  }

  let pods = 0;
  const addPod = async (given?: string): Promise<KernelPod> => {
    pods += 1;
    const pod = {
      namespace: `${prefix}-pod${pods}`,
      address: given ?? `10.50.0.${10 + pods}`,
      link: `pod${pods}`,
    };
    await add(pod.namespace);
    await join[links](node, pod);
    return pod;
  };
  return {
    node,
    cloud,
    cloudAddress: layout === 'fabric' ? '10.60.0.254' : '127.0.0.1',
    nodeAddresses: layout === 'fabric' ? ['10.60.0.1'] : ['127.0.0.1', metadataAddress],
    addPod: () => addPod(),
    handOver: async ({ link, address }) => {
      await inside(node, `ip link del ${link}`);
      return addPod(address);
    },
    inNode: async (program, ...args) =>
      (await runCommand('ip', ['netns', 'exec', node, program, ...args])).stdout,
    remove,
  };
}

async function joinFabric(node: string, cloud: string): Promise<void> {
  await inside(
    node,
    `ip link add up0 type veth peer name eth0 netns ${cloud}`,
    'ip address add 10.60.0.1/24 dev up0',
    'ip link set up0 up',
    `ip route add ${metadataAddress}/32 via 10.60.0.254`,
  );
  await inside(
    cloud,
    'ip address add 10.60.0.254/24 dev eth0',
    'ip link set eth0 up',
    `ip address add ${metadataAddress}/32 dev lo`,
    'ip route add 10.50.0.0/24 via 10.60.0.1',
  );
}

const gateway: Readonly<Record<PodLinks, readonly string[]>> = {
  bridge: ['ip link add br0 type bridge', 'ip address add 10.50.0.1/24 dev br0', 'ip link set br0 up'],
  routed: ['ip address add 10.50.0.1/32 dev lo'],
};

const join: Readonly<Record<PodLinks, (node: string, pod: KernelPod) => Promise<void>>> = {
  bridge: async (node, { namespace, address, link }) => {
    await inside(
      node,
      `ip link add ${link} type veth peer name eth0 netns ${namespace}`,
      `ip link set ${link} master br0 up`,
    );
    await inside(
      namespace,
      // As network plug-ins do: announces the new owner of the address.
      'sysctl -qw net.ipv4.conf.eth0.arp_notify=1',
      `ip address add ${address}/24 dev eth0`,
      'ip link set eth0 up',
      'ip route add default via 10.50.0.1',
    );
  },
  routed: async (node, { namespace, address, link }) => {
    await inside(
      node,
      `ip link add ${link} type veth peer name eth0 netns ${namespace}`,
      `ip link set ${link} up`,
      `ip route add ${address}/32 dev ${link}`,
    );
    await inside(
      namespace,
      `ip address add ${address}/32 dev eth0`,
      'ip link set eth0 up',
      'ip route add 10.50.0.1/32 dev eth0 scope link',
      'ip route add default via 10.50.0.1 dev eth0',
    );
  },
};

async function inside(namespace: string, ...commands: readonly string[]): Promise<void> {
  for (const command of commands) await runCommand('ip', ['netns', 'exec', namespace, ...command.split(' ')]);
}
