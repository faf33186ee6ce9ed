import { problem, type Remedy } from '@pod-identity/policy';
import { listAt, textAt } from '../cluster/fields.ts';
import { itemsOf } from '../cluster/lists.ts';
import type { Installed, Services } from '../cluster/services.ts';
import type { MicConfig } from '../../../mic/src/commands/plug-in.ts';
import type { NmiConfig } from '../../../nmi/src/commands/plug-in.ts';
import { addCommand, argumentsPath, objectIdOf } from './check-services.ts';
import { found, type CheckResult, type DoctorFacts, type ObjectFinding } from './facts.ts';

interface Cloud {
  readonly name: 'AzurePublicCloud' | 'AzureUSGovernmentCloud' | 'AzureChinaCloud';
  /** Other values of MIC's CLOUD, in lower case. */
  readonly alias?: string;
  /** Of the broker's token. */
  readonly audience: string;
  /** The first one is the broker's. */
  readonly loginHosts: readonly string[];
  /** Of its regions' names. */
  readonly region: RegExp;
}

/** Others, such as an Azure Stack, are not compared. */
const clouds: readonly Cloud[] = [
  {
    name: 'AzurePublicCloud',
    alias: 'azurecloud',
    audience: 'api://AzureADTokenExchange',
    loginHosts: ['login.microsoftonline.com'],
    // A direction is part of each. Names such as `local` are those of an Azure Stack.
    region: /^(?!china|us(?:gov|dod|sec|nat))[a-z]*(?:north|south|east|west|central)[a-z]*\d?(?:euap)?$/,
  },
  {
    name: 'AzureUSGovernmentCloud',
    alias: 'azureusgovernment',
    audience: 'api://AzureADTokenExchangeUSGov',
    loginHosts: ['login.microsoftonline.us'],
    region: /^us(?:gov|dod)/,
  },
  {
    name: 'AzureChinaCloud',
    audience: 'api://AzureADTokenExchangeChina',
    loginHosts: ['login.partner.microsoftonline.cn', 'login.chinacloudapi.cn'],
    region: /^china/,
  },
];

/** What a service is given about its cloud. */
interface Setting {
  readonly service: Installed<object>;
  readonly text: string;
  readonly cloud: Cloud;
  /** Sets it for another cloud. */
  readonly command: (cloud: Cloud) => string;
}

/** MIC, NMI and the broker are set for one cloud: that of the nodes, or if these do not tell it, that of the first one that names its cloud. */
export function checkClouds({ services, nodes, identities }: DoctorFacts): CheckResult {
  const settings = [...services.mic.flatMap(settingsOfMic), ...services.broker.flatMap(settingsOfBroker)];
  const ofNodes = cloudOfRegions(
    itemsOf(nodes).flatMap(({ host, labels }) =>
      host === undefined ? [] : (labels['topology.kubernetes.io/region'] ?? []),
    ),
  );
  const [first] = settings;
  const expected = ofNodes ?? first?.cloud;
  if (expected === undefined) return { findings: [], unknown: [] };
  const by = ofNodes === undefined ? (first?.text ?? '') : 'the regions of the nodes';
  const hasPrincipals = itemsOf(identities).some(({ type }) => type === 1 || type === 2);
  return {
    findings: [
      ...settings.filter(({ cloud }) => cloud !== expected).map((one) => differing(one, { expected, by })),
      ...(hasPrincipals ? services.nmi.flatMap((nmi) => lackingLogin(nmi, expected)) : []),
    ],
    unknown: [],
  };
}

/** Of nodes on machines of Azure. Undefined if they are of several, or of none that is known. */
function cloudOfRegions(regions: readonly string[]): Cloud | undefined {
  const found = new Set(regions.map((name) => clouds.find(({ region }) => region.test(name))));
  return found.size === 1 ? [...found][0] : undefined;
}

/** azure.json is that of the machine: who made the machine wrote it. */
function settingsOfMic(service: Installed<MicConfig>): readonly Setting[] {
  const { namespace, name, config, isOriginal, env } = service;
  const given = env['CLOUD'] ?? '';
  const isNamed = (cloud: Cloud) => [cloud.name.toLowerCase(), cloud.alias].includes(given.toLowerCase());
  const cloud = clouds.find(isNamed);
  if (isOriginal || cloud === undefined || 'problems' in config || config.cloudConfigPath !== undefined)
    return [];
  const command = (other: Cloud) =>
    `kubectl set env deployment ${name} --namespace ${namespace} CLOUD=${other.name}`;
  return [{ service, text: `CLOUD=${given} of MIC`, cloud, command }];
}

function settingsOfBroker(service: Installed<NmiConfig>): readonly Setting[] {
  if ('problems' in service.config) return [];
  const { cloud: facts, loginHost, assertionFile } = service.config.brokerService;
  const cloud = clouds.find(({ audience }) => audience === facts.audience);
  const login = clouds.find(({ loginHosts }) => loginHosts.some((host) => loginHost === `https://${host}`));
  const withFlag = (flag: (of: Cloud) => string) => (of: Cloud) =>
    addCommand(service, argumentsPath, flag(of));
  const settings: readonly (Setting | undefined)[] = [
    cloud && {
      service,
      text: `--broker-cloud=${cloud.name} of the broker`,
      cloud,
      command: withFlag(({ name }) => `--broker-cloud=${name}`),
    },
    login && {
      service,
      text: `--broker-login-host=${loginHost} of the broker`,
      cloud: login,
      command: withFlag(({ loginHosts: [host = ''] }) => `--broker-login-host=https://${host}`),
    },
    ...audiencesOf(service, assertionFile),
  ];
  return settings.filter((one) => one !== undefined);
}

/** Of the projected token that Microsoft Entra gets. */
function audiencesOf(service: Installed<object>, assertionFile: string): readonly Setting[] {
  const mounts = listAt(service.object, 'spec.template.spec.containers').flatMap((container) =>
    listAt(container, 'volumeMounts'),
  );
  return listAt(service.object, 'spec.template.spec.volumes').flatMap((volume, at) => {
    const mount = mounts.find((one) => textAt(one, 'name') === textAt(volume, 'name'));
    return listAt(volume, 'projected.sources').flatMap((source, index): Setting[] => {
      if (`${textAt(mount, 'mountPath')}/${textAt(source, 'serviceAccountToken.path')}` !== assertionFile)
        return [];
      const audience = textAt(source, 'serviceAccountToken.audience');
      const cloud = clouds.find((one) => one.audience === audience);
      const path = `/spec/template/spec/volumes/${at}/projected/sources/${index}/serviceAccountToken/audience`;
      const command = (other: Cloud) => addCommand(service, path, other.audience);
      return cloud
        ? [{ service, text: `the audience ${audience} of the broker's token`, cloud, command }]
        : [];
    });
  });
}

function differing(
  { service, text, cloud, command }: Setting,
  { expected, by }: { readonly expected: Cloud; readonly by: string },
): ObjectFinding {
  const { kind, namespace, name } = service;
  const what = `${kind} ${namespace}/${name} is set for ${cloud.name} by ${text}, and the cluster is in ${expected.name} by ${by}`;
  const remedy: Remedy = { text: `set it for ${expected.name}`, command: command(expected) };
  return found(objectIdOf(service), problem('agent', what, remedy));
}

/** NMI sends secrets of service principals to no other hosts. */
function lackingLogin(nmi: Services['nmi'][number], { name, loginHosts }: Cloud): ObjectFinding[] {
  const { config, isOriginal, kind, namespace } = nmi;
  if (isOriginal || 'problems' in config || loginHosts.some((host) => config.authorities.has(host)))
    return [];
  const text = `${kind} ${namespace}/${nmi.name} may send secrets of service principals to no login host of ${name} (--authority-allow)`;
  const flag = `--authority-allow=${[...config.authorities, ...loginHosts].join(',')}`;
  const remedy = { text: 'allow it', command: addCommand(nmi, argumentsPath, flag) };
  return [found(objectIdOf(nmi), problem('agent', text, remedy))];
}
