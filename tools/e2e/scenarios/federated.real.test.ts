// Federated identities on real API servers: NMI and the broker as processes with the rights of deploy/ and no others, and Entra that verifies
// the broker's assertion by what the API server publishes. MIC does not run.
import { readFile } from 'node:fs/promises';
import { whyNoApiServer } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { principalOf, untilAnswer } from '../access/asking.ts';
import { createCommands } from '../access/commands.ts';
import { createAccount, createNamespace } from '../access/people.ts';
import { sendRaw } from '../clients/ask.ts';
import { clients } from '../clients/real-clients.ts';
import { run } from '../clients/run-client.ts';
import { askBroker, askWithoutTls } from '../federated/ask-broker.ts';
import { allowUse, federatedObjects } from '../federated/objects.ts';
import {
  openFederatedStage,
  type BrokeredNmi,
  type FederatedStage,
  type StageBroker,
} from '../federated/stage.ts';
import { grantedTo } from '../granted.ts';
import { runSystemPod } from '../../stage/broker.ts';
import { connectImpersonator } from '../../stage/impersonation.ts';
import * as names from '../../stage/names.ts';
import { deleteObject, pathOf, readManifests, type KubeObject } from '../../stage/objects.ts';
import { inDeploy } from '../../stage/places.ts';
import type { StagePod } from '../../stage/stage.ts';

const missing = whyNoApiServer();
if (missing !== undefined) console.warn(`federated identities on real API servers are skipped: ${missing}`);

const { clientId } = names.firstIdentity;

describe.skipIf(missing !== undefined).each(['v1.20', 'v1.34'] as const)(
  'federated identities on %s',
  (flavour) => {
    let federated: FederatedStage;
    let broker: StageBroker;
    let nmi: BrokeredNmi;
    let web: StagePod;

    beforeAll(async () => {
      federated = await openFederatedStage(flavour);
      const { stage } = federated;
      for (const namespace of ['pay', 'shop']) await createNamespace(stage, namespace);
      for (const account of ['pay/web', 'pay/guest', 'shop/nmi']) {
        const [namespace = '', name = ''] = account.split('/');
        await createAccount(stage, namespace, name);
      }
      await allowUse(federated.stage, { namespace: 'pay', name: 'web' });
      for (const object of federatedObjects('pay', clientId)) await stage.create(object);
      broker = await federated.startBroker('broker-a');
      nmi = await federated.startNmi(0);
      web = await runPod('web', 'web');
      await untilToken(web);
    });
    afterAll(() => federated.stop());

    const runPod = (name: string, serviceAccount: string, node = 0) =>
      federated.stage.runPod({ name, namespace: 'pay', node, label: 'vault', serviceAccount });
    const untilToken = async (pod: StagePod) => {
      const answer = await untilAnswer(() => sendRaw({ pod, nmi }), {
        what: `a token of ${pod.object.metadata.name}`,
        fits: ({ status }) => status === 200,
      });
      expect(answer.body['client_id']).toBe(clientId);
      return answer;
    };

    describe('a pod whose ServiceAccount has the right', () => {
      test.each([clients.curl, clients.identity])('gets its token by $name', async (client) => {
        const { url } = await federated.stage.path(web, nmi);
        const answer = await run(client, {}, { url });
        expect(answer).toHaveProperty('token');
        const { world } = federated.stage.sim.azure;
        const { principalId } = world.identity(names.firstIdentity.id);
        expect('token' in answer && subjectOf(answer.token)).toBe(principalId);
      });

      test('reads its secret with keyvault-sample, and no machine has the identity', async () => {
        const { stage } = federated;
        const sample = stage.startSample(await stage.path(web, nmi), {
          CREDENTIAL: 'default',
          SECRET_NAMES: 'database-password',
          READS: '1',
        });
        await sample.line((line) => line.startsWith('read secret database-password'));
        expect(stage.sim.azure.world.attachedTo(names.scaleSetId(names.scaleSet))).not.toContain(
          names.firstIdentity.id.toLowerCase(),
        );
      });
    });

    test('a pod without the right is told what to grant, and gets its token once that is there', async () => {
      const guest = await runPod('guest', 'guest');
      const refused = await untilAnswer(() => sendRaw({ pod: guest, nmi }), {
        what: 'a refusal',
        fits: ({ status, body }) => status === 400 && (body['error_description'] ?? '').includes('federated'),
      });
      expect(refused.body).not.toHaveProperty('access_token');
      await allowUse(federated.stage, { namespace: 'pay', name: 'guest' });
      await untilToken(guest);
    });

    test('a pod that is made again under its name has a token of its own, and the former uid has none', async () => {
      const { stage } = federated;
      const first = await runPod('again', 'web');
      await untilToken(first);
      await deleteObject(stage.kube, first.object);
      const second = await runPod('again', 'web');
      await untilToken(second);
      const ask = { token: nmi.token, pod: second.object };
      expect(await askBroker(broker, ask)).toMatchObject({ status: 200 });
      expect(await askBroker(broker, { ...ask, uid: first.object.metadata.uid ?? '' })).toMatchObject({
        status: 409,
        body: { error: 'pod_gone' },
      });
    });

    describe('before an AzureIdentity becomes one of type 3, check-federated in a pod of the broker', () => {
      const idOf = ({ clientId: client }: { readonly clientId: string }) => `${names.tenant}/${client}`;
      const isToken = /eyJ/;

      test('says that Entra gives a token, and prints none', async () => {
        await expect
          .poll(() => broker.check(idOf(names.secondIdentity)), { timeout: 60_000, interval: 1_000 })
          .toMatchObject({
            code: 0,
            output: expect.stringMatching(
              /✓ identity .*https:\/\/management\.azure\.com\/.*\n[^]*✓ result/,
            ) as string,
          });
        const vault = await broker.check(idOf(names.secondIdentity), 'https://vault.azure.net');
        expect(vault.output).toContain('token for https://vault.azure.net,');
        expect(vault.output + vault.errors).not.toMatch(isToken);
      });

      test('prints the command that makes a missing credential, which then works', async () => {
        const { world } = federated.stage.sim.azure;
        world.removeFederatedCredentials(names.secondIdentity.clientId);
        const missing = await broker.check(idOf(names.secondIdentity));
        expect(missing.code).toBe(1);
        expect(missing.output + missing.errors).not.toMatch(isToken);
        const [, issuer = '', subject = '', audience] =
          /\$ az identity federated-credential create .* --issuer (\S+) --subject (\S+) --audiences (\S+)/.exec(
            missing.output,
          ) ?? [];
        expect(audience).toBe('api://AzureADTokenExchange');
        world.addFederatedCredential(names.secondIdentity.clientId, { issuer, subject });
        expect((await broker.check(idOf(names.secondIdentity))).code).toBe(0);
      });

      test('names the login endpoint of the broker for a tenant of another cloud', async () => {
        const { code, output } = await broker.check(`11111111-1111-1111-1111-111111111111/${clientId}`);
        expect(code).toBe(1);
        expect(output).toContain('AADSTS90002');
        expect(output).toContain(`${federated.stage.sim.azure.entraUrl} (--broker-cloud)`);
      });
    });

    describe('the broker refuses', () => {
      const refused = { status: 401, body: { error: 'unauthorized' } };

      test.each<[what: string, token: () => Promise<string | undefined>]>([
        ['a request without a token', () => Promise.resolve(undefined)],
        ['an account called nmi of another namespace', () => bound('shop/nmi', 'shop')],
        ['MIC', () => bound('aad-pod-identity/mic', names.systemNamespace)],
        ['the account of the pod itself', () => federated.tokenFor({ account: 'pay/web', pod: web.object })],
        [
          "NMI's token that is bound to no pod",
          () => federated.tokenFor({ account: 'aad-pod-identity/nmi' }),
        ],
        [
          "NMI's token for another audience",
          () =>
            federated.tokenFor({ account: 'aad-pod-identity/nmi', audience: 'api://another', pod: nmi.pod }),
        ],
        ["NMI's token with another payload", () => Promise.resolve(forged(nmi.token))],
        ["NMI's token after its pod is gone", () => ofGonePod()],
      ])('%s', async (_, token) => {
        const given = await token();
        const ask = { pod: web.object, ...(given !== undefined && { token: given }) };
        expect(await askBroker(broker, ask)).toMatchObject(refused);
      });

      const bound = async (account: string, namespace: string) => {
        const [, name = ''] = account.split('/');
        const pod = await runSystemPod(federated.stage, {
          name: `as-${name}`,
          account: name,
          namespace,
          node: 0,
        });
        return federated.tokenFor({ account, pod });
      };
      const ofGonePod = async () => {
        const account = 'nmi';
        const pod = await runSystemPod(federated.stage, { name: 'nmi-gone', account, node: 0 });
        const token = await federated.tokenFor({ account: 'aad-pod-identity/nmi', pod });
        await deleteObject(federated.stage.kube, pod);
        return token;
      };

      test("a stolen node's NMI that asks for a pod of another node", async () => {
        const other = await runPod('elsewhere', 'web', 1);
        const reply = await askBroker(broker, { token: nmi.token, pod: other.object });
        expect(reply.status).toBe(403);
        expect(reply.body).not.toHaveProperty('access_token');
      });

      test('an identity that the ServiceAccount of the pod has no right to use', async () => {
        const more = { clientId: names.secondIdentity.clientId };
        const reply = await askBroker(broker, { token: nmi.token, pod: web.object, ...more });
        expect(reply).toMatchObject({ status: 403, body: { error: 'access_denied' } });
        expect(reply.body['message']).toContain('federatedidentities');
      });

      test('whoever does not speak TLS', async () => {
        expect(await askWithoutTls(broker, nmi.token)).not.toBe('200');
      });
    });

    test('neither MIC nor a pod of its own may write the ConfigMap of the replicas', async () => {
      const call = await connectImpersonator(federated.api.kubeconfig, federated.api.server);
      const path = pathOf({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        namespace: 'aad-pod-identity-broker',
        name: 'broker-replicas',
      });
      for (const account of ['aad-pod-identity:mic', 'aad-pod-identity:nmi', 'pay:web']) {
        const as = { user: `system:serviceaccount:${account}` };
        expect((await call({ method: 'PATCH', path, body: { data: { evil: '{}' } }, as })).status).toBe(403);
      }
    });

    // As the kubelets of stolen-node.real.test.ts, on v1.20 alone.
    if (flavour === 'v1.20')
      test('a kubelet cannot give its node the label of the nodes for the broker', async () => {
        const call = await connectImpersonator(federated.api.kubeconfig, federated.api.server);
        const node = names.nodeName(1);
        const as = { user: `system:node:${node}`, groups: ['system:nodes', 'system:authenticated'] };
        const path = pathOf({ apiVersion: 'v1', kind: 'Node', name: node });
        const label = (key: string) =>
          call({ method: 'PATCH', path, body: { metadata: { labels: { [key]: 'true' } } }, as });
        expect(await label('node-restriction.kubernetes.io/pod-identity-broker')).toMatchObject({
          status: 403,
          message: expect.stringContaining('is not allowed to modify labels') as unknown,
        });
      });

    describe('with two replicas', () => {
      let second: StageBroker;
      const replicas = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        namespace: 'aad-pod-identity-broker',
        name: 'broker-replicas',
      };
      const entries = async () => {
        const map = (await federated.stage.kube.request({
          method: 'GET',
          path: pathOf(replicas),
        })) as KubeObject;
        return Object.keys(map['data'] ?? {}).toSorted();
      };

      test('each is in the ConfigMap, and is there again after an apply that removed all', async () => {
        second = await federated.startBroker('broker-b');
        await expect.poll(entries).toEqual(['broker-a', 'broker-b']);
        await federated.stage.kube.request({
          method: 'PATCH',
          path: pathOf(replicas),
          body: { data: null },
          contentType: 'application/merge-patch+json',
        });
        await untilToken(await runPod('during', 'web'));
        await expect.poll(entries).toEqual(['broker-a', 'broker-b']);
      });

      test('neither kubectl apply nor server-side apply of the manifest removes them', async () => {
        const commands = createCommands(federated.stage);
        const yaml = await readFile(inDeploy('components/broker/parts/replicas.yaml'), 'utf8');
        for (let times = 0; times < 2; times += 1) await commands.kubectl('apply', yaml);
        await federated.stage.kube.request({
          method: 'PATCH',
          path: pathOf(replicas),
          query: { fieldManager: 'flux', force: 'true' },
          body: parse(yaml) as object,
          contentType: 'application/apply-patch+yaml',
        });
        expect(await entries()).toEqual(['broker-a', 'broker-b']);
      });

      test('one that is killed under load costs no call', async () => {
        const pods = await Promise.all(
          Array.from({ length: 12 }, (_, index) => runPod(`load-${index}`, 'web')),
        );
        // Each pod has a token of its own, so each first request is one to a broker.
        const before = pods.slice(0, 6).map((pod) => sendRaw({ pod, nmi }));
        await second.service.stop('SIGKILL');
        const after = pods.slice(6).map((pod) => sendRaw({ pod, nmi }));
        const answers = await Promise.all([...before, ...after]);
        expect(answers.map(({ status, body }) => [status, body['error_description']])).toEqual(
          pods.map(() => [200, undefined]),
        );
      });

      test('when both are away, tokens in memory are given and others get the reason', async () => {
        await broker.service.stop('SIGKILL');
        expect((await sendRaw({ pod: web, nmi })).status).toBe(200);
        const late = await runPod('late', 'web');
        const answer = await untilAnswer(() => sendRaw({ pod: late, nmi }), {
          what: 'the reason',
          fits: ({ status, body }) => status === 503 && (body['error_description'] ?? '').includes('broker'),
        });
        expect(answer.retryAfter).toBeDefined();
      });
    });

    test('the broker used every right of its roles, and no other', async () => {
      expect(rightsIn(federated.proxies.broker.requests)).toEqual(await granted('broker'));
    });

    test('NMI used every right that it has in the namespace of the broker, and no other', async () => {
      const there = federated.proxies.nmi.requests.filter((request) =>
        request.includes('/namespaces/aad-pod-identity-broker/'),
      );
      expect(rightsIn(there)).toEqual(await granted('nmi'));
    });
  },
);

function subjectOf(token: string): string | undefined {
  return principalOf({ status: 200, retryAfter: undefined, isReused: false, body: { access_token: token } });
}

function forged(token: string): string {
  const [head = '', payload = '', signature = ''] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
  const changed = Buffer.from(JSON.stringify({ ...claims, jti: 'another' })).toString('base64url');
  return [head, changed, signature].join('.');
}

async function granted(account: string): Promise<readonly string[]> {
  const parts = await readManifests(inDeploy('components/broker/parts/rbac.yaml'));
  return [...new Set(grantedTo(account, parts))].toSorted();
}

const rightsIn = (requests: readonly string[]) => [...new Set(requests.map(rightOf))].toSorted();

function readOf(path: string, name: string): string {
  if (/[?&]watch=(1|true)/.test(path)) return 'watch';
  return name === '' ? 'list' : 'get';
}

const writes: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch' };

/** `GET /api/v1/namespaces/pay/pods/web` as `get pods`. */
function rightOf(request: string): string {
  const [method = '', path = ''] = request.split(' ');
  const [, group = '', resource = '', name = ''] =
    /^\/apis?\/(?:([a-z0-9.]+)\/)?v1\/(?:namespaces\/[^/]+\/)?([a-z]+)(\/[^?]+)?/.exec(path) ?? [];
  return `${writes[method] ?? readOf(path, name)} ${group === '' ? resource : `${resource}.${group}`}`;
}
