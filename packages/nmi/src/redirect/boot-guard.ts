import { table, tableInput } from './nftables-rules.ts';
import { routeLocalnet, setByNmi, leadsToLoopback, type RedirectTarget } from './target.ts';
import { wantedRouteRules } from './route-rules.ts';

/** A file below the host's /etc, or a symbolic link where `link` is given. In the order in which they are to be written. */
export interface GuardFile {
  readonly path: string;
  readonly text: string;
  readonly link?: boolean;
}

const folder = 'aad-pod-identity';
const unit = 'aad-pod-identity-guard.service';

/** The guard needs systemd on the host, which reads units from here. */
export const unitFolder = 'systemd/system';
export const guardFolder = folder;

/**
 * Files on the host that restore the rules after a restart, when the kubelet starts pods before NMI runs. systemd loads the same rules before
 * the kubelet starts: calls of pods go to a port without a listener and are refused. The kubelet requires the guard: if neither a
 * firewall nor the routing policy accepts the rules, no pod is started.
 */
export function guardFiles(target: RedirectTarget): readonly GuardFile[] {
  const { wanted, requires, ...files } = paths;
  return [
    { path: files.nftables, text: tableInput(target) },
    { path: files.script, text: script(target) },
    { path: files.unit, text: unitText },
    { path: wanted, text: `../${unit}`, link: true },
    // Last: from now on the next start of the kubelet depends on it.
    { path: requires, text: `../${unit}`, link: true },
  ];
}

/** In the order of writing. */
const paths = {
  nftables: `${folder}/redirect.nft`,
  /** Of versions that could use iptables: only removed. */
  iptables: `${folder}/redirect.iptables`,
  script: `${folder}/guard`,
  unit: `${unitFolder}/${unit}`,
  /** Starts the guard even if the kubelet's unit has another name. */
  wanted: `${unitFolder}/multi-user.target.wants/${unit}`,
  requires: `${unitFolder}/kubelet.service.requires/${unit}`,
} as const;

/** In the order of removal: the kubelet must not require a file that does not exist. */
export const guardPaths: readonly string[] = Object.values(paths).toReversed();

/** Existing rules are left alone: NMI maintains them. */
function script(target: RedirectTarget): string {
  // Otherwise the kernel drops packets redirected to 127.0.0.1: callers wait instead of being refused. Set only with firewall rules.
  const localnet = leadsToLoopback(target)
    ? `if [ -n "$closed" ]; then
  read -r localnet < ${routeLocalnet}
  [ "$localnet" != 0 ] || echo ${setByNmi.routeLocalnet} > ${routeLocalnet}
fi
`
    : '';
  const routes = wantedRouteRules(target).map(
    (rule) => `  ip rule add protocol kernel ${rule.join(' ')} 2>/dev/null || true`,
  );
  return `#!/bin/sh
# Written by "nmi install-redirect --persist", removed by "nmi uninstall-redirect". Run by systemd before the kubelet starts.
folder=\${0%/*}
closed=
if nft list table ip ${table} >/dev/null 2>&1 || nft --file "$folder/redirect.nft"; then
  closed=nftables
fi
${localnet}if command -v ip >/dev/null; then
${routes.join('\n')}
  if ip -4 rule show | grep -q '^58:.*prohibit'; then closed="$closed routing-policy"; fi
fi
if [ -z "$closed" ]; then
  echo 'aad-pod-identity: neither nft nor ip rule took the rules: pods are kept from starting' >&2
  exit 1
fi
echo "aad-pod-identity: pods are refused the metadata service until NMI answers ($closed)"
`;
}

const unitText = `# Written by "nmi install-redirect --persist", removed by "nmi uninstall-redirect".
[Unit]
Description=Refuses pods the metadata service of the machine until NMI answers for them
# Those that empty the firewall when they start.
After=local-fs.target systemd-sysctl.service nftables.service iptables.service netfilter-persistent.service ufw.service firewalld.service
Before=kubelet.service k3s.service k3s-agent.service rke2-server.service rke2-agent.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /etc/${paths.script}

[Install]
RequiredBy=kubelet.service
WantedBy=multi-user.target
`;
