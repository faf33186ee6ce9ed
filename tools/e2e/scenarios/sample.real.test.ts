// keyvault-sample as users run it: both credentials, rotation, its page, what it says when something is wrong, and its end.
import { readFile } from 'node:fs/promises';
import { get } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { whyNoPrograms } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as names from '../../stage/names.ts';
import { built } from '../../stage/places.ts';
import { startService, type Service } from '../../stage/service.ts';
import { openStage, type Stage, type StageNmi } from '../../stage/stage.ts';
import { addIdentity, bind } from '../objects.ts';

const missing = whyNoPrograms({ programs: ['unshare'], root: true });
if (missing !== undefined) console.warn(`skipped keyvault-sample as process 1: ${missing}`);

const values = ['correct horse', 'battery staple', 'newer horse', 'PRIVATE KEY'];

describe('keyvault-sample', () => {
  let stage: Stage;
  let nmi: StageNmi;
  const started: Service[] = [];

  beforeAll(async () => {
    stage = await openStage();
    await stage.install();
    await (await stage.startMic('1')).logged('became leader');
    // Shorter than by default: the clients retry, each time after seconds.
    nmi = await stage.startNmi(0, ['--hold=1s']);
    const { world } = stage.sim.azure;
    world.addKey(names.vault, 'signing');
    world.addCertificate(names.vault, 'web', { expiresAt: Date.now() + 40 * 86_400_000 });
    const { principalId } = world.identity(names.firstIdentity.id);
    world.allowRead(names.vault, principalId, ['keys', 'certificates']);
    await bind(stage, {
      name: 'reader',
      resourceId: names.firstIdentity.id,
      clientId: names.firstIdentity.clientId,
    });
    const outsider = addIdentity(stage, 'outsider', { mayRead: false });
    await bind(stage, { ...outsider, name: 'outsider' });
  });
  afterAll(async () => {
    // No value and no token in anything that any of them printed.
    const printed = started.flatMap(({ lines }) => lines);
    await stage.stop();
    expect(
      printed.filter((line) => values.some((value) => line.includes(value)) || /eyJ[\w-]{10,}\./.test(line)),
    ).toEqual([]);
  });

  /** The sample in a pod with this label, until it has read everything once. */
  const start = async (
    pod: { name: string; label?: string },
    env: Record<string, string>,
  ): Promise<Service> => {
    const path = await stage.path(await stage.runPod({ node: 0, ...pod }), nmi);
    const sample = stage.startSample(path, { SECRET_NAMES: 'database-password', ...env });
    started.push(sample);
    return sample;
  };
  /** With READS: its lines and its exit code. */
  const outcome = async (sample: Service): Promise<{ code: number | null; said: string }> => {
    await sample.ended;
    return { code: sample.exitCode, said: sample.lines.join('\n') };
  };

  test.each(['default', 'imds'])(
    'CREDENTIAL=%s: reads a secret, a key and a certificate, and shows their versions and whose identity it is',
    async (credential) => {
      const sample = await start(
        { name: `all-${credential}`, label: 'reader' },
        { CREDENTIAL: credential, KEY_NAMES: 'signing', CERTIFICATE_NAMES: 'web' },
      );
      const address = addressIn(await sample.line((line) => line.startsWith('web page on ')));
      // It reads several at a time, in any order.
      for (const what of ['secret database-password', 'key signing', 'certificate web'])
        await sample.line((line) => line.startsWith(`read ${what}`));
      const vault = stage.sim.azure.world.vault(names.vault)!;
      const newest = [
        vault.secrets.get('database-password'),
        vault.keys.get('signing'),
        vault.certificates.get('web'),
      ];
      const page = await fetchText(new URL('/', address));
      for (const version of newest.map((versions) => versions!.at(-1)!.version))
        expect(page.body).toContain(version);
      const { clientId, principalId } = stage.sim.azure.world.identity(names.firstIdentity.id);
      for (const id of [clientId, principalId, names.tenant, 'demo_pod_identity'])
        expect(page.body).toContain(id);
      expect(page.body).toContain('(in 39 days)');
      expect(values.filter((value) => page.body.includes(value))).toEqual([]);
      expect(await fetchText(new URL('/healthz', address))).toEqual({ status: 200, body: 'ok\n' });
      await sample.stop();
      expect(sample.exitCode).toBe(0);
    },
  );

  test('a new version of a secret is reported, and the page has both versions', async () => {
    const { world } = stage.sim.azure;
    world.setSecret(names.vault, 'rotating', 'correct horse');
    const sample = await start(
      { name: 'rotating', label: 'reader' },
      { SECRET_NAMES: 'rotating', INTERVAL_SECONDS: '1' },
    );
    const address = addressIn(await sample.line((line) => line.startsWith('web page on ')));
    const first = /version (\w+)/.exec(
      await sample.line((line) => line.startsWith('read secret rotating')),
    )![1]!;
    const { version } = world.setSecret(names.vault, 'rotating', 'newer horse');
    await sample.line((line) => line === `secret rotating was rotated: version ${version} replaces ${first}`);
    const { body } = await fetchText(new URL('/', address));
    expect(body).toContain(first);
    expect(body).toContain(version);
    await sample.stop();
  });

  test.each<
    [
      says: string,
      pod: { name: string; label?: string },
      env: Record<string, string>,
      said: readonly string[],
    ]
  >([
    ['no identity', { name: 'unlabelled' }, {}, ['[no-identity]', 'has no label aadpodidbinding']],
    [
      'no identity, imds-client',
      { name: 'unlabelled-imds' },
      { CREDENTIAL: 'imds' },
      ['[no-identity]', 'has no label aadpodidbinding'],
    ],
    [
      'no role',
      { name: 'outsider', label: 'outsider' },
      {},
      ['[no-role]', "the role 'Key Vault Secrets User'"],
    ],
    [
      'no such secret',
      { name: 'mistyped', label: 'reader' },
      { SECRET_NAMES: 'databse' },
      ['[not-found]', 'secret databse'],
    ],
    [
      'no such vault',
      { name: 'lost', label: 'reader' },
      { KEYVAULT_URL: 'https://no-vault.invalid' },
      ['[no-such-vault]', 'no-vault.invalid'],
    ],
  ])('%s: says so with a remedy, and ends with the exit code 1', async (...[, pod, env, said]) => {
    const sample = await start(pod, { READS: '1', ...env });
    const { code, said: printed } = await outcome(sample);
    for (const part of said) expect(printed).toContain(part);
    expect(printed).toMatch(/^could not read secret /m);
    expect(code).toBe(1);
  });

  test('the firewall of the vault, a response that is cut in the middle of a value, and one without a body', async () => {
    const { world } = stage.sim.azure;
    world.addVault({ name: 'guarded', secrets: { 'database-password': 'correct horse' } });
    world.allowRead('guarded', world.identity(names.firstIdentity.id).principalId);
    world.setFirewall('guarded', 'selected');
    await stage.sim.azure.ready();
    const env = { KEYVAULT_URL: stage.sim.azure.vaultUrl('guarded'), READS: '1' };
    const refused = await outcome(await start({ name: 'guarded', label: 'reader' }, env));
    expect(refused).toMatchObject({ code: 1, said: expect.stringContaining('[firewall]') });
    world.setFirewall('guarded', 'open');
    const cut = stage.sim.azure.faults.add({
      match: { service: 'vault', path: /^\/secrets\/cut/ },
      then: {
        status: 200,
        body: '{"value":"correct horse","id":"https:',
        headers: { 'content-type': 'application/json' },
      },
    });
    const broken = await outcome(
      await start({ name: 'cut', label: 'reader' }, { ...env, SECRET_NAMES: 'cut' }),
    );
    cut.remove();
    expect(broken).toMatchObject({ code: 1, said: expect.stringContaining('[unreadable]') });
    // As a gateway sends it: the client of Key Vault fails with a TypeError on an error without a body.
    const down = stage.sim.azure.faults.add({
      match: { service: 'vault', path: /^\/secrets\/down/ },
      then: { status: 503 },
    });
    const ended = await outcome(
      await start({ name: 'down', label: 'reader' }, { ...env, SECRET_NAMES: 'down' }),
    );
    down.remove();
    expect(ended).toMatchObject({ code: 1, said: expect.stringContaining('[unavailable]') });
  });

  test('an identity that is not assigned yet, and then is', async () => {
    const sample = await start(
      { name: 'early', label: 'late' },
      { CREDENTIAL: 'imds', INTERVAL_SECONDS: '1' },
    );
    const pending = stage.sim.azure.holdOperations();
    const late = addIdentity(stage, 'late');
    await bind(stage, { ...late, name: 'late' });
    await sample.line((line) => line.includes('[identity-pending]'), 300_000);
    pending.release();
    await sample.line((line) => line.startsWith('read secret database-password'), 300_000);
    await sample.stop();
  });

  test('a proxy that is not there', async () => {
    const closed = await closedPort();
    const sample = await start(
      { name: 'proxied', label: 'reader' },
      { READS: '1', HTTPS_PROXY: `http://user:hidden@127.0.0.1:${closed}`, NO_PROXY: '169.254.169.254' },
    );
    const { code, said } = await outcome(sample);
    expect(said).toContain('[proxy]');
    expect(said).toContain('HTTPS_PROXY');
    expect(said).not.toContain('hidden');
    expect(code).toBe(1);
  });

  test('a wrong environment ends with the exit code 2, before anything is read', async () => {
    const sample = await start(
      { name: 'misconfigured', label: 'reader' },
      { INTERVAL_SECONDS: '3000000', SECRET_NAMES: ' ' },
    );
    const { code, said } = await outcome(sample);
    expect(said.split('\n')).toHaveLength(2);
    expect(said).toContain('INTERVAL_SECONDS must be a number from 1 to 86400');
    expect(code).toBe(2);
  });

  test.skipIf(missing !== undefined)(
    'as process 1 it ends at SIGTERM, also while it waits for a token',
    async () => {
      // Accepts connections and never responds.
      const silent = createTcpServer((socket) => void socket.on('error', () => undefined));
      await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve));
      const service = startService({
        name: 'keyvault-sample as process 1',
        executable: 'unshare',
        entry: '--pid',
        args: ['--fork', '--kill-child', process.execPath, built('keyvault-sample')],
        env: {
          AZURE_POD_IDENTITY_AUTHORITY_HOST: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
          CREDENTIAL: 'imds',
          KEYVAULT_URL: stage.sim.azure.vaultUrl(names.vault),
          KEYVAULT_SKIP_CHALLENGE_VERIFICATION: 'true',
          NODE_EXTRA_CA_CERTS: stage.sim.azure.caFile,
          SECRET_NAMES: 'database-password',
          PORT: '0',
          LISTEN_ADDRESS: '127.0.0.1',
        },
      });
      started.push(service);
      const waiting = new Promise<void>((resolve) => void silent.once('connection', () => resolve()));
      await service.line((line) => line.startsWith('web page on '));
      await waiting;
      const children = await readFile(`/proc/${service.pid}/task/${service.pid}/children`, 'utf8');
      process.kill(Number(children.trim()), 'SIGTERM');
      await service.ended;
      // unshare ends with the code of its child.
      expect(service.exitCode).toBe(0);
      silent.close();
    },
  );
});

const addressIn = (line: string): string => line.replace('web page on ', '');

function fetchText(url: URL): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false, signal: AbortSignal.timeout(60_000) }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    }).on('error', reject);
  });
}

/** A port on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  return port;
}
