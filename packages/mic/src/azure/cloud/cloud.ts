// Room: which Azure: endpoints of its clouds, azure.json, and as whom MIC calls it.
// It must not get a token.
import type { Parsed, Problem } from '@pod-identity/crd-types';
import { endpointsOf, type CloudEndpoints } from './clouds.ts';
import { cloudFile, parseCloudFile, type CloudFile } from './cloud-file.ts';

export type Env = Readonly<Record<string, string | undefined>>;

/** MIC's own credential. */
export type CredentialSettings =
  | { readonly kind: 'system-assigned' }
  | { readonly kind: 'user-assigned'; readonly clientId: string }
  | ({ readonly kind: 'client-secret'; readonly clientSecret: string } & Application)
  | ({
      readonly kind: 'client-certificate';
      readonly certificatePath: string;
      readonly password?: string;
    } & Application)
  | ({ readonly kind: 'federated'; readonly tokenFile: string } & Application);

interface Application {
  readonly tenantId: string;
  readonly clientId: string;
}

export interface CloudSettings {
  readonly endpoints: CloudEndpoints;
  readonly credential: CredentialSettings;
}

export interface CloudSources {
  /** The text of azure.json; undefined without --cloudconfig, when the environment is used. */
  readonly file?: string | undefined;
  readonly env: Env;
  /** The text of the file named by AZURE_ENVIRONMENT_FILEPATH. */
  readonly environmentFile?: string | undefined;
}

/** The environment variables for keys of azure.json. */
const environmentNames: Readonly<Record<string, string>> = {
  cloud: 'CLOUD',
  tenantId: 'TENANT_ID',
  aadClientId: 'CLIENT_ID',
  aadClientSecret: 'CLIENT_SECRET',
  useManagedIdentityExtension: 'USE_MSI',
  userAssignedIdentityID: 'USER_ASSIGNED_MSI_CLIENT_ID',
};

/** Reads cloud and credential from azure.json, or without it from the environment. Returns all problems. */
export function readCloud(sources: CloudSources): Parsed<CloudSettings> {
  const file = parseOptional(sources.file);
  const environmentFile = parseOptional(sources.environmentFile);
  if (file?.ok === false || environmentFile?.ok === false)
    return { ok: false, problems: [...problemsOf(file), ...environmentProblems(environmentFile)] };
  const settings = file?.value ?? fromEnvironment(sources.env);
  const nameOf = (key: string) => (file === undefined ? (environmentNames[key] ?? key) : key);
  const problems: Problem[] = [];
  const endpoints = endpointsOf(
    { settings, nameOf, ...(environmentFile !== undefined && { environmentFile: environmentFile.value }) },
    problems,
  );
  const credential = credentialOf({ settings, nameOf, env: sources.env }, problems);
  if (endpoints === undefined || credential === undefined) return { ok: false, problems };
  return { ok: true, value: { endpoints, credential }, warnings: [] };
}

function parseOptional(text: string | undefined): Parsed<CloudFile> | undefined {
  return text === undefined ? undefined : parseCloudFile(text);
}

function problemsOf(parsed: Parsed<CloudFile> | undefined): readonly Problem[] {
  return parsed?.ok === false ? parsed.problems : [];
}

function environmentProblems(parsed: Parsed<CloudFile> | undefined): readonly Problem[] {
  return problemsOf(parsed).map(({ message }) => ({ path: 'AZURE_ENVIRONMENT_FILEPATH', message }));
}

function fromEnvironment(env: Env): CloudFile {
  return cloudFile(Object.entries(environmentNames).map(([key, name]) => [key, env[name]]));
}

interface CredentialSources {
  readonly settings: CloudFile;
  readonly nameOf: (key: string) => string;
  readonly env: Env;
}

function credentialOf(sources: CredentialSources, problems: Problem[]): CredentialSettings | undefined {
  const { settings, env } = sources;
  if (isTrue(settings.get('usemanagedidentityextension'))) return managedIdentity(sources, problems);

  const tokenFile = settings.get('aadfederatedtokenfile') ?? env['AZURE_FEDERATED_TOKEN_FILE'];
  const hasOwnKey = settings.has('aadclientcertpath') || settings.has('aadclientsecret');
  if (
    isTrue(settings.get('usefederatedworkloadidentityextension')) ||
    (!hasOwnKey && tokenFile !== undefined)
  ) {
    return federated(tokenFile, applicationOf(sources, env, problems), problems);
  }
  return ownKey(sources, applicationOf(sources, {}, problems), problems);
}

/** A certificate or a secret; the certificate precedes. */
function ownKey(
  sources: CredentialSources,
  who: Application | undefined,
  problems: Problem[],
): CredentialSettings | undefined {
  const { settings, nameOf } = sources;
  const certificatePath = settings.get('aadclientcertpath');
  if (certificatePath !== undefined) {
    const password = settings.get('aadclientcertpassword');
    return (
      who && {
        kind: 'client-certificate',
        certificatePath,
        ...(password !== undefined && { password }),
        ...who,
      }
    );
  }
  const clientSecret = settings.get('aadclientsecret');
  if (clientSecret !== undefined) return who && { kind: 'client-secret', clientSecret, ...who };
  const managed = nameOf('useManagedIdentityExtension');
  problems.push({
    path: nameOf('aadClientSecret'),
    message: `is not set; without ${managed} MIC needs a secret, aadClientCertPath or a federated token file`,
  });
  return undefined;
}

function managedIdentity(sources: CredentialSources, problems: Problem[]): CredentialSettings | undefined {
  const clientId = sources.settings.get('userassignedidentityid');
  if (clientId === undefined) return { kind: 'system-assigned' };
  if (!clientId.startsWith('/')) return { kind: 'user-assigned', clientId };
  problems.push({
    path: sources.nameOf('userAssignedIdentityID'),
    message: "is a resource id; write the identity's client id (az identity show --query clientId)",
  });
  return undefined;
}

function federated(
  tokenFile: string | undefined,
  who: Application | undefined,
  problems: Problem[],
): CredentialSettings | undefined {
  if (tokenFile !== undefined) return who && { kind: 'federated', tokenFile, ...who };
  problems.push({
    path: 'aadFederatedTokenFile',
    message:
      'is not set, and neither is AZURE_FEDERATED_TOKEN_FILE; name the file of the projected service account token',
  });
  return undefined;
}

/** AZURE_TENANT_ID and AZURE_CLIENT_ID, set by the webhook of Workload Identity, are defaults for a federated credential. */
function applicationOf(
  sources: CredentialSources,
  fallback: Env,
  problems: Problem[],
): Application | undefined {
  const { settings, nameOf } = sources;
  const tenantId = settings.get('tenantid') ?? fallback['AZURE_TENANT_ID'];
  const clientId = settings.get('aadclientid') ?? fallback['AZURE_CLIENT_ID'];
  if (tenantId === undefined)
    problems.push({ path: nameOf('tenantId'), message: 'is not set; write the directory (tenant) id' });
  if (clientId === undefined)
    problems.push({ path: nameOf('aadClientId'), message: 'is not set; write the application (client) id' });
  return tenantId === undefined || clientId === undefined ? undefined : { tenantId, clientId };
}

function isTrue(value: string | undefined): boolean {
  return value?.toLowerCase() === 'true';
}

/** C27: the client id of the cluster's own identity, which MIC must never detach; '' if there is none. */
export function clusterClientId(settings: CloudSettings): string {
  return settings.credential.kind === 'user-assigned' ? settings.credential.clientId : '';
}
