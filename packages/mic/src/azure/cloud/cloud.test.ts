import { describe, expect, it, test } from 'vitest';
import { clusterClientId, readCloud, type CloudSources } from './cloud.ts';
import { parseCloudFile } from './cloud-file.ts';

const file = (settings: object, env: CloudSources['env'] = {}) =>
  readCloud({ file: JSON.stringify(settings), env });
const settingsOf = (read: ReturnType<typeof readCloud>) => {
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.value;
};
const problemsOf = (read: ReturnType<typeof readCloud>) =>
  read.ok ? [] : read.problems.map(({ path, message }) => `${path} ${message}`);
const managed = { useManagedIdentityExtension: true };
const app = { cloud: 'AzurePublicCloud', tenantId: 'T', aadClientId: 'A' };

describe('user-needs 10.26: clouds', () => {
  test.each([
    ['AzureCloud', 'https://management.azure.com', 'https://login.microsoftonline.com'],
    ['azurepubliccloud', 'https://management.azure.com', 'https://login.microsoftonline.com'],
    ['AzureUSGovernment', 'https://management.usgovcloudapi.net', 'https://login.microsoftonline.us'],
    ['AZUREUSGOVERNMENTCLOUD', 'https://management.usgovcloudapi.net', 'https://login.microsoftonline.us'],
    ['AzureChinaCloud', 'https://management.chinacloudapi.cn', 'https://login.chinacloudapi.cn'],
    ['AzureGermanCloud', 'https://management.microsoftazure.de', 'https://login.microsoftonline.de'],
  ])('%s', (cloud, resourceManager, authority) => {
    expect(settingsOf(file({ cloud, ...managed })).endpoints).toEqual({
      resourceManager,
      authority,
      audience: `${resourceManager}/`,
      customAuthority: false,
      computeApiVersion: '2024-07-01',
    });
  });

  it('reads an Azure Stack from the file named by AZURE_ENVIRONMENT_FILEPATH', () => {
    const environmentFile = JSON.stringify({
      resourceManagerEndpoint: 'https://management.local.azurestack.external/',
      activeDirectoryEndpoint: 'https://login.example/',
      tokenAudience: 'https://management.example/guid',
    });
    expect(
      settingsOf(
        readCloud({
          file: JSON.stringify({ cloud: 'AzureStackCloud', ...managed }),
          env: {},
          environmentFile,
        }),
      ).endpoints,
    ).toEqual({
      resourceManager: 'https://management.local.azurestack.external',
      authority: 'https://login.example',
      audience: 'https://management.example/guid',
      customAuthority: true,
      computeApiVersion: '2019-12-01',
    });
    expect(problemsOf(file({ cloud: 'AzureStackCloud', ...managed }))).toEqual([
      expect.stringContaining('AZURE_ENVIRONMENT_FILEPATH is not set'),
    ]);
  });

  it('accepts custom endpoints over https, for ARM also on the loopback', () => {
    const custom = {
      cloud: 'Mine',
      resourceManagerEndpoint: 'http://127.0.0.1:8000',
      activeDirectoryEndpoint: 'https://login.example',
      ...managed,
    };
    expect(settingsOf(file(custom)).endpoints).toMatchObject({
      resourceManager: 'http://127.0.0.1:8000',
      customAuthority: true,
    });
    expect(problemsOf(file({ ...custom, resourceManagerEndpoint: 'http://arm.example' }))).toEqual([
      expect.stringContaining('resourceManagerEndpoint is not an https address'),
    ]);
    expect(problemsOf(file({ ...custom, activeDirectoryEndpoint: 'http://127.0.0.1:8000' }))).toEqual([
      expect.stringContaining('activeDirectoryEndpoint is not an https address'),
    ]);
  });

  it('with one custom endpoint the other comes from the named cloud', () => {
    expect(
      settingsOf(file({ cloud: 'AzureCloud', resourceManagerEndpoint: 'https://arm.example', ...managed }))
        .endpoints,
    ).toMatchObject({
      resourceManager: 'https://arm.example',
      authority: 'https://login.microsoftonline.com',
      customAuthority: false,
    });
  });
});

describe('C27 as whom, and which identity is the cluster’s own', () => {
  test.each([
    [
      'system-assigned',
      {
        cloud: 'AzureCloud',
        ...managed,
        userAssignedIdentityID: '',
        aadClientId: 'msi',
        aadClientSecret: 'msi',
      },
      { kind: 'system-assigned' },
      '',
    ],
    [
      'user-assigned',
      { cloud: 'AzureCloud', ...managed, userAssignedIdentityID: 'U' },
      { kind: 'user-assigned', clientId: 'U' },
      'U',
    ],
    [
      'a secret',
      { ...app, aadClientSecret: 'S' },
      { kind: 'client-secret', tenantId: 'T', clientId: 'A', clientSecret: 'S' },
      '',
    ],
    [
      'a certificate',
      { ...app, aadClientSecret: 'S', aadClientCertPath: '/c', aadClientCertPassword: 'P' },
      { kind: 'client-certificate', tenantId: 'T', clientId: 'A', certificatePath: '/c', password: 'P' },
      '',
    ],
    [
      'a federated token',
      { ...app, useFederatedWorkloadIdentityExtension: true, aadFederatedTokenFile: '/t' },
      { kind: 'federated', tenantId: 'T', clientId: 'A', tokenFile: '/t' },
      '',
    ],
  ])('%s', (...[, settings, credential, own]) => {
    const read = settingsOf(file(settings));
    expect(read.credential).toEqual(credential);
    expect(clusterClientId(read)).toBe(own);
  });

  it('the variables of the workload identity webhook are used for a federated credential', () => {
    const env = { AZURE_FEDERATED_TOKEN_FILE: '/t', AZURE_TENANT_ID: 'T', AZURE_CLIENT_ID: 'A' };
    expect(settingsOf(file({ cloud: 'AzureCloud' }, env)).credential).toEqual({
      kind: 'federated',
      tenantId: 'T',
      clientId: 'A',
      tokenFile: '/t',
    });
    expect(settingsOf(file({ ...app, aadClientSecret: 'S' }, env)).credential.kind).toBe('client-secret');
  });

  it('without a file the same settings come from the environment', () => {
    const env = { CLOUD: 'AzureChinaCloud', TENANT_ID: 'T', CLIENT_ID: 'A', CLIENT_SECRET: 'S' };
    expect(settingsOf(readCloud({ env })).credential).toEqual({
      kind: 'client-secret',
      tenantId: 'T',
      clientId: 'A',
      clientSecret: 'S',
    });
    expect(
      settingsOf(readCloud({ env: { ...env, USE_MSI: 'True', USER_ASSIGNED_MSI_CLIENT_ID: 'U' } }))
        .credential,
    ).toEqual({ kind: 'user-assigned', clientId: 'U' });
  });
});

describe('problems', () => {
  it('are returned all at once, each with its key in the operator’s spelling and a remedy', () => {
    expect(problemsOf(readCloud({ env: { CLOUD: 'Moon' } }))).toEqual([
      expect.stringMatching(/^CLOUD names no cloud: 'Moon'; use AzurePublicCloud/),
      expect.stringMatching(/^TENANT_ID is not set/),
      expect.stringMatching(/^CLIENT_ID is not set/),
      expect.stringMatching(/^CLIENT_SECRET is not set; without USE_MSI/),
    ]);
    expect(problemsOf(file({}))[0]).toMatch(/^cloud is not set/);
  });

  it('a resource id in place of a client id, a federated credential without a file', () => {
    expect(
      problemsOf(file({ cloud: 'AzureCloud', ...managed, userAssignedIdentityID: '/subscriptions/x' })),
    ).toEqual([expect.stringMatching(/^userAssignedIdentityID is a resource id/)]);
    expect(problemsOf(file({ ...app, useFederatedWorkloadIdentityExtension: true }))).toEqual([
      expect.stringMatching(/^aadFederatedTokenFile is not set/),
    ]);
  });

  it('the problem of a broken file does not quote its content', () => {
    expect(JSON.stringify(readCloud({ file: '{"aadClientSecret": "hush",}', env: {} }))).not.toContain(
      'hush',
    );
    expect(JSON.stringify(readCloud({ file: 'aadClientSecret hush', env: {} }))).not.toContain('hush');
  });
});

describe('azure.json as text', () => {
  test.each([
    [
      'JSON',
      '{"Cloud": "AzureCloud", "useManagedIdentityExtension": true, "nested": {"cloud": "x"}, "none": null}',
      { cloud: 'AzureCloud', usemanagedidentityextension: 'true' },
    ],
    ['YAML', 'cloud: AzureCloud', false],
    ['no object', 'null', false],
  ])('%s', (_, text, expected) => {
    const read = parseCloudFile(text);
    expect(read.ok && Object.fromEntries(read.value)).toEqual(expected);
  });
});
