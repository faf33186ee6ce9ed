// A service principal with a certificate, with the built NMI: a child process without rights reads the certificate.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
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
    // Enough rounds for the process to be found, and few enough to be accepted.
    await createIdentity(makePfx(made, 'p', '-iter', '200000'));
    pod = await stage.runPod({ name, node: 0, label: name });
    await untilAssigned(stage.kube, [name]);
    nmi = await stage.startNmi(0, ['--authority-allow', new URL(stage.sim.azure.entraUrl).host]);
    const asking = sendRaw({ pod, nmi });
    child = await seenDuring(asking, () => childOf(nmi.service.pid, 'certificate-reader.js'));
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

  test('the certificate is read in a child process with the permission model, a limited heap and an empty environment', () => {
    expect(child?.args).toEqual(expect.arrayContaining(['--permission', '--max-old-space-size=64']));
    expect(child?.args.filter((arg) => arg.startsWith('--allow'))).toEqual([
      expect.stringMatching(/^--allow-fs-read=.*\/dist\/\*$/),
    ]);
    expect(child?.env).toEqual(['MALLOC_ARENA_MAX=1']);
  });

  test('a process with the same flags cannot read other files, write files or start processes', async () => {
    const flags = child?.args.slice(1, -1) ?? [];
    const outside = join(stage.folder, 'azure.json');
    const attempts = {
      read: `require('node:fs').readFileSync(${JSON.stringify(outside)})`,
      write: `require('node:fs').writeFileSync(${JSON.stringify(join(stage.folder, 'new'))}, '')`,
      spawn: `require('node:child_process').spawnSync('true')`,
      worker: `new (require('node:worker_threads').Worker)('', { eval: true })`,
    };
    const tried = Object.values(attempts).map(
      (text) => `try { ${text}; 'done' } catch (error) { error.code }`,
    );
    const code = `console.log(JSON.stringify([${tried.map((text) => `eval(${JSON.stringify(text)})`).join()}]))`;
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, '-e', code]);
    expect(JSON.parse(stdout)).toEqual(Object.keys(attempts).map(() => 'ERR_ACCESS_DENIED'));
  });
});
