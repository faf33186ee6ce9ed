import type { Problem } from '@pod-identity/crd-types';
import type { CloudFile } from './cloud-file.ts';

export interface CloudEndpoints {
  /** Without a trailing slash. */
  readonly resourceManager: string;
  /** The endpoint of Entra ID (or AD FS); without a trailing slash. */
  readonly authority: string;
  /** The resource of tokens for ARM, in the form of IMDS. */
  readonly audience: string;
  /** A login host unknown to MSAL, which must not look it up in the public cloud. */
  readonly customAuthority: boolean;
  /** Of virtual machines and scale sets. Older in Stack and custom clouds. */
  readonly computeApiVersion: string;
}

const currentApiVersion = '2024-07-01';
const oldestApiVersion = '2019-12-01';

const publicCloud = named('https://management.azure.com', 'https://login.microsoftonline.com');
const usGovernment = named('https://management.usgovcloudapi.net', 'https://login.microsoftonline.us');
const china = named('https://management.chinacloudapi.cn', 'https://login.chinacloudapi.cn');
const germany = named('https://management.microsoftazure.de', 'https://login.microsoftonline.de');

const clouds: ReadonlyMap<string, CloudEndpoints> = new Map([
  ['azurecloud', publicCloud],
  ['azurepubliccloud', publicCloud],
  ['azureusgovernment', usGovernment],
  ['azureusgovernmentcloud', usGovernment],
  ['azurechinacloud', china],
  ['azuregermancloud', germany],
]);

function named(resourceManager: string, authority: string): CloudEndpoints {
  return {
    resourceManager,
    authority,
    audience: `${resourceManager}/`,
    customAuthority: false,
    computeApiVersion: currentApiVersion,
  };
}

interface EndpointSources {
  readonly settings: CloudFile;
  /** The operator's spelling of a key, for problems: `cloud` in azure.json, `CLOUD` in the environment. */
  readonly nameOf: (key: string) => string;
  /** The file named by AZURE_ENVIRONMENT_FILEPATH. */
  readonly environmentFile?: CloudFile;
}

/** Explicit endpoints precede the environment file of a Stack, then the known names. */
export function endpointsOf(sources: EndpointSources, problems: Problem[]): CloudEndpoints | undefined {
  const cloud = sources.settings.get('cloud') ?? '';
  const custom =
    sources.settings.has('resourcemanagerendpoint') || sources.settings.has('activedirectoryendpoint');
  const known = clouds.get(cloud.toLowerCase());
  if (custom) return customEndpoints({ ...sources, known }, problems);
  if (known !== undefined) return known;
  if (cloud.toLowerCase() === 'azurestackcloud') return stackEndpoints(sources, problems);
  problems.push({
    path: sources.nameOf('cloud'),
    message: `${cloud === '' ? 'is not set' : `names no cloud: '${cloud}'`}; use AzurePublicCloud, AzureUSGovernmentCloud, AzureChinaCloud, AzureGermanCloud or AzureStackCloud`,
  });
  return undefined;
}

function stackEndpoints(sources: EndpointSources, problems: Problem[]): CloudEndpoints | undefined {
  if (sources.environmentFile !== undefined) {
    return customEndpoints(
      { settings: sources.environmentFile, nameOf: (key) => `AZURE_ENVIRONMENT_FILEPATH: ${key}` },
      problems,
    );
  }
  problems.push({
    path: 'AZURE_ENVIRONMENT_FILEPATH',
    message:
      'is not set; AzureStackCloud needs it to name the JSON file with resourceManagerEndpoint and activeDirectoryEndpoint',
  });
  return undefined;
}

function customEndpoints(
  from: {
    readonly settings: CloudFile;
    readonly nameOf: (key: string) => string;
    readonly known?: CloudEndpoints | undefined;
  },
  problems: Problem[],
): CloudEndpoints | undefined {
  const read = (key: string, fallback: string | undefined, isExempt?: (url: URL) => boolean) => {
    const value = from.settings.get(key.toLowerCase()) ?? fallback;
    return endpoint({ path: from.nameOf(key), value, isExempt }, problems);
  };
  const resourceManager = read('resourceManagerEndpoint', from.known?.resourceManager, isLoopback);
  const authority = read('activeDirectoryEndpoint', from.known?.authority);
  if (resourceManager === undefined || authority === undefined) return undefined;
  return {
    resourceManager,
    authority,
    audience: from.settings.get('tokenaudience') ?? `${resourceManager}/`,
    customAuthority: authority !== from.known?.authority,
    computeApiVersion: from.settings.get('computeapiversion') ?? oldestApiVersion,
  };
}

interface WrittenEndpoint {
  readonly path: string;
  readonly value: string | undefined;
  readonly isExempt: ((url: URL) => boolean) | undefined;
}

/** Secrets are sent there, so it must be https; for ARM also plain http on the loopback (a simulator). */
function endpoint(
  { path, value, isExempt = () => false }: WrittenEndpoint,
  problems: Problem[],
): string | undefined {
  const url = value === undefined ? null : URL.parse(value);
  if (value !== undefined && url !== null && (url.protocol === 'https:' || isExempt(url)))
    return value.replace(/\/+$/, '');
  const what = value === undefined ? 'is not set' : `is not an https address: '${value}'`;
  problems.push({ path, message: `${what}; write it like https://management.example.com/` });
  return undefined;
}

function isLoopback(url: URL): boolean {
  return url.protocol === 'http:' && /^(127\.[\d.]+|localhost|\[::1\])$/.test(url.hostname);
}
