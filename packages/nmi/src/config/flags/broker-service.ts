import { newFlag, value } from '@pod-identity/kit/core';

const { text, integer, oneOf, objectName, mapped, url } = value;

interface CloudFacts {
  /** Of the assertion of the broker. */
  readonly audience: string;
  /** Origin of the login endpoint. */
  readonly loginHost: string;
  /** A resource for which every identity can get a token: Azure Resource Manager. */
  readonly resource: string;
}

const clouds = {
  AzurePublicCloud: {
    audience: 'api://AzureADTokenExchange',
    loginHost: 'https://login.microsoftonline.com',
    resource: 'https://management.azure.com/',
  },
  AzureUSGovernmentCloud: {
    audience: 'api://AzureADTokenExchangeUSGov',
    loginHost: 'https://login.microsoftonline.us',
    resource: 'https://management.usgovcloudapi.net/',
  },
  AzureChinaCloud: {
    audience: 'api://AzureADTokenExchangeChina',
    loginHost: 'https://login.partner.microsoftonline.cn',
    resource: 'https://management.chinacloudapi.cn/',
  },
} as const satisfies Record<string, CloudFacts>;
type Cloud = keyof typeof clouds;

const nobody = { namespace: '', name: '' };
const why = 'the original has no federated identities';
const ofPod = (name: string, env: string, what: string) =>
  newFlag(name, text(''), { help: `For \`nmi broker\`: ${what} of its own pod.`, why, env });

/** Of the commands `nmi broker` and `nmi check-federated`. */
export const brokerServiceFlags = {
  brokerService: {
    port: newFlag('broker-port', integer(8443, { min: 1, max: 65_535 }), {
      help: 'For `nmi broker`: the port at which agents request tokens.',
      why,
    }),
    cloud: newFlag(
      'broker-cloud',
      mapped(oneOf('AzurePublicCloud', Object.keys(clouds) as [Cloud]), (cloud): CloudFacts => clouds[cloud]),
      {
        help: "For `nmi broker`: the cloud of all its identities, which determines the login endpoint and the audience of the broker's token.",
        why,
      },
    ),
    loginHost: newFlag(
      'broker-login-host',
      mapped(url(), (given) => given.replace(/\/+$/, '')),
      { help: 'For `nmi broker`: another login endpoint than that of the cloud, as a URL.', why },
    ),
    assertionFile: newFlag('broker-assertion-file', text('/var/run/secrets/azure/assertion'), {
      help: "For `nmi broker`: the broker's projected token for the cloud, which is exchanged for tokens of all federated identities.",
      why,
    }),
    agent: newFlag(
      'broker-agent',
      mapped(objectName('aad-pod-identity/nmi'), (given) => given ?? nobody),
      {
        help: 'For `nmi broker`: the ServiceAccount of NMI, as NAMESPACE/NAME. Nobody else gets a token.',
        why,
      },
    ),
    pod: {
      name: ofPod('broker-pod-name', 'POD_NAME', 'the name'),
      uid: newFlag('broker-pod-uid', text(''), {
        help: 'The uid of its own pod, for `nmi broker` and for NMI, which sees by it whether the control groups of the node show which containers run.',
        why,
        env: 'POD_UID',
      }),
      address: ofPod('broker-pod-ip', 'POD_IP', 'the address'),
      namespace: ofPod('broker-pod-namespace', 'POD_NAMESPACE', 'the namespace'),
    },
  },
};
