// A service principal with a certificate, with the built NMI: openssl reads the certificate.
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificate, makePfx, whyNoCertificates } from '../../../packages/nmi/test/certificates.ts';
import * as names from '../../stage/names.ts';
import { openStage, type Stage, type StageNmi, type StagePod } from '../../stage/stage.ts';
import { sendRaw } from '../clients/ask.ts';
import { untilAssigned } from '../objects.ts';

const apiVersion = 'aadpodidentity.k8s.io/v1';
const name = 'with-certificate';
const clientId = randomUUID();

/** As docs/administrator/service-principals.md says: deploy/components/service-principals binds the role nowhere. */
const rbac = 'rbac.authorization.k8s.io';
const mayReadSecrets = {
  apiVersion: `${rbac}/v1`,
  kind: 'RoleBinding',
  metadata: { name: 'pod-identity-nmi-secrets', namespace: 'default' },
  roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'pod-identity-nmi-secrets' },
  subjects: [{ kind: 'ServiceAccount', name: 'nmi', namespace: names.systemNamespace }],
};

interface Child {
  readonly pid: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
}

const withoutEnd = (text: string) => text.split('\0').slice(0, -1);

/** The child process of the parent with this program, if there is one. */
async function childOf(parent: number, program: string): Promise<Child | undefined> {
  const pids = await readFile(`/proc/${parent}/task/${parent}/children`, 'utf8');
  for (const pid of pids.trim().split(' ')) {
    try {
      const args = withoutEnd(await readFile(`/proc/${pid}/cmdline`, 'utf8'));
      if (!args.some((arg) => basename(arg) === program)) continue;
      return { pid, args, env: withoutEnd(await readFile(`/proc/${pid}/environ`, 'utf8')) };
    } catch {
      // It has ended.
    }
  }
  return undefined;
}

/** Looks for the process until the work has ended. */
async function seenDuring(work: Promise<unknown>, look: () => Promise<Child | undefined>) {
  const over = new AbortController();
  const end = () => over.abort();
  void work.then(end, end);
  let seen: Child | undefined;
  while (!over.signal.aborted && !seen) seen = await look();
  return seen;
}

describe.skipIf(whyNoCertificates !== undefined)('a certificate in a Secret', () => {
  let stage: Stage;
  let nmi: StageNmi;
  let pod: StagePod;
  let child: Child | undefined;
  let answer: Awaited<ReturnType<typeof sendRaw>>;

  async function createIdentity(pfx: Buffer): Promise<void> {
    const metadata = { name, namespace: 'default' };
    await stage.create(mayReadSecrets);
    const data = { certificate: pfx.toString('base64'), password: Buffer.from('p').toString('base64') };
    await stage.create({ apiVersion: 'v1', kind: 'Secret', metadata, data });
    const spec = { type: 2, clientID: clientId, tenantID: names.tenant, clientPassword: metadata };
    await stage.create({
      apiVersion,
      kind: 'AzureIdentity',
      metadata,
      spec: { ...spec, adEndpoint: stage.sim.azure.entraUrl },
    });
    const binding = { azureIdentity: name, selector: name };
    await stage.create({ apiVersion, kind: 'AzureIdentityBinding', metadata, spec: binding });
  }

  beforeAll(async () => {
    stage = await openStage({ nodes: 1 });
    await stage.install();
    await stage.startMic('1');
    const made = makeCertificate('rsa');
    stage.sim.azure.world.addApp({ clientId, secrets: [], certificates: [made.certificate] });
    // Enough rounds for the process to be found, and few enough for its 3 seconds.
    await createIdentity(makePfx(made, 'p', '-iter', '200000'));
    pod = await stage.runPod({ name, node: 0, label: name });
    await untilAssigned(stage.kube, [name]);
    nmi = await stage.startNmi(0, ['--authority-allow', new URL(stage.sim.azure.entraUrl).host]);
    const asking = sendRaw({ pod, nmi });
    child = await seenDuring(asking, () => childOf(nmi.service.pid, 'openssl'));
    answer = await asking;
  });
  afterAll(() => stage.stop());

  test('the pod gets a token of the application', () => {
    expect(answer).toMatchObject({ status: 200, body: { client_id: clientId } });
    const [, claims = ''] = answer.body['access_token']?.split('.') ?? [];
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
      appid: clientId,
      tid: names.tenant,
    });
  });

  test('the certificate is read by openssl, with neither the password nor anything else in its arguments and environment', () => {
    expect(child?.args).toEqual(['/usr/bin/openssl', 'pkcs12', '-legacy', '-noenc', '-passin', 'fd:3']);
    expect(child?.env).toEqual(['OPENSSL_CONF=/dev/null']);
  });
});
