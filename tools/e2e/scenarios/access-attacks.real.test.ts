// Attacks on rights to Azure identities, by people with the rights of a namespace and no others, on API servers that enforce RBAC.
import type { KubeError } from '@pod-identity/kit/kube';
import { whyNoPrograms } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  decisiveAnswer,
  openConnection,
  principalOf,
  selectors,
  spellings,
  untilAnswer,
} from '../access/asking.ts';
import {
  bindingObject,
  crowdObjects,
  forgedRecord,
  identityObject,
  mayReadSecrets,
  reviewFaults,
  writeIdentity,
} from '../access/attack-objects.ts';
import { grantObjects } from '../granted.ts';
import { createCommands, yamlIn, type Commands } from '../access/commands.ts';
import { createHiddenServer, type HiddenServer } from '../access/hidden-server.ts';
import {
  createAccount,
  createNamespace,
  createPerson,
  edit,
  everything,
  lead,
  rbac,
  rolesOf,
  type Person,
} from '../access/people.ts';
import { openReviewProxy, type ReviewProxy } from '../access/review-proxy.ts';
import { untilPodEvent, untilReadyIs } from '../access/told.ts';
import { sendRaw, type RawResponse } from '../clients/ask.ts';
import { installServices, labelAsLinux, placeAgents } from '../plug-in/services.ts';
import {
  addIdentity,
  assignedOf,
  isAttached,
  podOf,
  untilAssigned,
  untilDetached,
  untilReleased,
} from '../objects.ts';
import { describeRealServers, type ServerUnderTest } from '../servers.ts';
import * as names from '../../stage/names.ts';
import { pathOf, type KubeObject } from '../../stage/objects.ts';
import { untilGranted } from '../../stage/rights.ts';
import type { Service } from '../../stage/service.ts';
import { openStage, type Stage, type StageNmi, type StagePod } from '../../stage/stage.ts';
import { untilNone } from '../../stage/until.ts';

const apiVersion = 'aadpodidentity.k8s.io/v1';
const missing = whyNoPrograms({ programs: ['kubectl'] });
if (missing !== undefined) console.warn(`access-attacks is skipped: ${missing}`);

const micFlags = ['--identity-access', 'rbac', '--access-recheck', '10s', '--detach-grace-period', '0s'];
const nmiFlags = ['--identity-access', 'rbac', '--access-max-age', '5s', '--binding-grace', '0s'];

type Identity = ReturnType<typeof addIdentity>;

describe.skipIf(missing !== undefined)('with kubectl', () => {
  describeRealServers('attacks on rights to identities, on $name', (choice) => {
    let server: ServerUnderTest;
    let reviews: ReviewProxy;
    let stage: Stage;
    let commands: Commands;
    let mic: Service;
    let mallory: Person;
    /** Of node 0, and of node 1, whose identities an administrator attaches. */
    let standard: StageNmi;
    let managed: StageNmi;
    /** Of the team `shop`: on the machines, and on none. */
    let kiosk: Identity;
    let keep: Identity;
    /** Of the attackers: on the machines. */
    let own: Identity;
    /** Of no team: on the machines, and given to nobody. */
    let ghost: Identity;

    const objectsIn = (kind: string, namespace: string) => pathOf({ apiVersion, kind, namespace });
    const attach = ({ resourceId }: Identity) =>
      stage.sim.azure.world.attach(names.scaleSetId(names.scaleSet), resourceId);
    const principal = ({ resourceId }: Identity) => stage.sim.azure.world.identity(resourceId).principalId;
    const mark = () => stage.sim.azure.journal.mark();
    /** Questions to the metadata service that are not MIC's own. */
    const imdsQuestions = (since: number) =>
      stage.sim.azure.journal
        .entries({ service: 'imds', path: /oauth2\/token/, since })
        .filter(({ query }) => !query.includes(names.clusterIdentity.clientId))
        .map(({ query }) => query);
    const armCallsAbout = (of: RegExp, since: number) =>
      stage.sim.azure.journal
        .entries({ service: 'arm', since })
        .filter(({ method, path, query, body = '' }) => method === 'PATCH' || of.test(path + query + body))
        .map(({ method, path, body }) => ({ method, path, body }));

    const write = ({ kube }: Pick<Person, 'kube'>, key: string, spec: object) =>
      writeIdentity(stage, { kube, key, spec });
    /** Of the attacker. */
    const runAttacker = (name: string, more: Partial<Parameters<Stage['runPod']>[0]>) =>
      stage.runPod({
        namespace: 'pay',
        node: 0,
        label: name,
        serviceAccount: 'web',
        by: mallory.kube,
        ...more,
        name,
      });
    const nmiOf = (pod: StagePod) => (pod.node === 0 ? standard : managed);
    const ask = (pod: StagePod, more?: string) => sendRaw({ pod, nmi: nmiOf(pod) }, more);
    const decision = (pod: StagePod, more?: string) => decisiveAnswer(() => ask(pod, more));
    const askAll = async (pod: StagePod, { resourceId, clientId }: Identity) => {
      const answers: RawResponse[] = [];
      for (const selector of selectors(resourceId, clientId)) answers.push(await decision(pod, selector));
      return answers;
    };
    const grant = async (account: string, id: string) => {
      const yaml = yamlIn((await commands.plugIn('access', account, id)).output);
      await commands.kubectl('apply', yaml);
      return { yaml, withdraw: () => commands.kubectl('delete', yaml) };
    };
    const grantAll = async (namespace: string, accounts: readonly string[], of: Identity | object) => {
      const spec = 'resourceId' in of ? { type: 0, resourceID: of.resourceId } : of;
      for (const object of grantObjects(namespace, accounts, spec)) await stage.create(object);
    };

    beforeAll(async () => {
      server = await choice.start();
      reviews = await openReviewProxy(server.options.kubeconfig ?? '');
      stage = await openStage({ ...server.options, serverOfServices: reviews.url });
      commands = createCommands(stage);
      await stage.install();
      for (const namespace of ['shop', 'pay', 'till']) {
        await createNamespace(stage, namespace);
        await createAccount(stage, namespace, 'default');
        await createAccount(stage, namespace, 'web');
      }
      mallory = await createPerson(stage, { namespace: 'pay', name: 'mallory', rules: edit });
      [kiosk, keep, own, ghost] = ['kiosk', 'keep', 'own', 'ghost'].map((name) =>
        addIdentity(stage, name),
      ) as [Identity, Identity, Identity, Identity];
      for (const identity of [kiosk, own, ghost]) attach(identity);
      [standard, managed] = await Promise.all([
        stage.startNmi(0, nmiFlags),
        stage.startNmi(1, [...nmiFlags, '--operation-mode', 'managed']),
      ]);
      await grant('shop/web', kiosk.resourceId);
      await grant('pay/web', own.resourceId);
    });
    afterAll(async () => {
      await mallory.kube.close();
      await stage.stop();
      await reviews.stop();
      await server.stop();
    });

    describe('(a) an AzureIdentity that names what another team may use', () => {
      const attacks: { pods: StagePod[]; name: string; spec: object; of: Identity }[] = [];
      let since: number;

      beforeAll(async () => {
        since = mark();
        for (const [letter, of] of [
          ['k', kiosk],
          ['s', keep],
        ] as const)
          for (const [n, resourceID] of Object.values(spellings(of.resourceId)).entries()) {
            const name = `${letter}-${n}`;
            const spec = { type: 0, resourceID, clientID: of.clientId };
            if (!(await write(mallory, `pay/${name}`, spec))) continue;
            attacks.push({ name, spec, of, pods: await podsOf(name) });
          }
      });

      /** In both modes. */
      const podsOf = (name: string, serviceAccount = 'default') =>
        Promise.all(
          [0, 1].map((node) => runAttacker(`${name}-${node}`, { node, label: name, serviceAccount })),
        );

      test('gives no token in any spelling, with a record written by hand, and the metadata service is not asked', async () => {
        // Right spellings are accepted, so the API server does not refuse the attack by itself.
        expect(attacks.map(({ name }) => name)).toEqual(
          expect.arrayContaining(['k-0', 'k-1', 'k-2', 'k-3', 's-0', 's-1', 's-2', 's-3']),
        );
        for (const { pods, name, spec } of attacks)
          for (const pod of pods) await stage.create(forgedRecord(pod, name, spec), mallory.kube);
        const answers = await Promise.all(
          attacks.flatMap(({ pods, of }) => pods.map((pod) => askAll(pod, of))),
        );
        expect(new Set(answers.flat().map(({ status }) => status))).toEqual(new Set([400]));
        expect(imdsQuestions(since)).toEqual([]);
      });

      test('MIC calls Azure for none of them, says so on each object, and deletes the records', async () => {
        // An object without a fault has its first condition before the API server has answered on a slow machine.
        const refusals = ['AccessDenied', 'InvalidSpec'];
        mic = await stage.startMic('1', micFlags);
        const records = { path: objectsIn('AzureAssignedIdentity', 'pay'), fits: () => true };
        await untilNone(stage.kube, records);
        const said = await Promise.all(
          attacks.map(({ name }) =>
            untilReadyIs(stage, { namespace: 'pay', name }, ({ reason }) => refusals.includes(reason)),
          ),
        );
        expect(new Set(said.map(({ reason }) => reason))).toEqual(new Set(refusals));
        expect(armCallsAbout(/kiosk|keep/i, since)).toEqual([]);
        expect(imdsQuestions(since)).toEqual([]);
        const [pod] = await podsOf('ghost');
        // While MIC runs; the last test looks what came of it.
        const spec = { type: 0, resourceID: ghost.resourceId, clientID: ghost.clientId };
        await writeIdentity(stage, { kube: mallory.kube, key: 'pay/ghost', spec });
        await untilReadyIs(
          stage,
          { namespace: 'pay', name: 'ghost' },
          (one) => one.reason === 'AccessDenied',
        );
        await stage.create(forgedRecord(pod!, 'ghost', spec), mallory.kube);
      });

      test('the team itself gets its token in both modes', async () => {
        await write(stage, 'shop/kiosk', {
          type: 0,
          resourceID: kiosk.resourceId,
          clientID: kiosk.clientId,
        });
        for (const node of [0, 1]) {
          const pod = await stage.runPod({
            name: `shop-${node}`,
            namespace: 'shop',
            node,
            label: 'kiosk',
            serviceAccount: 'web',
          });
          const answer = await untilAnswer(() => ask(pod), {
            what: `a token for shop on node ${node}`,
            fits: ({ status }) => status === 200,
          });
          expect(principalOf(answer)).toBe(principal(kiosk));
        }
      });

      test.each([
        ['the own resource id and the client id of another', 'mixed-1'],
        ['the resource id of another and the own client id', 'mixed-2'],
      ])('%s give the own token or none', async (_, name) => {
        const from = mark();
        const [mine, foreign] = name === 'mixed-1' ? [own, kiosk] : [kiosk, own];
        const spec = { type: 0, resourceID: mine.resourceId, clientID: foreign.clientId };
        await write(mallory, `pay/${name}`, spec);
        const pods = await podsOf(name, 'web');
        const [first] = pods;
        await stage.create(forgedRecord(first!, name, spec), mallory.kube);
        const answers = await Promise.all(pods.flatMap((pod) => [askAll(pod, kiosk), askAll(pod, own)]));
        expect(answers.flat().map(principalOf)).not.toContain(principal(kiosk));
        const asked = imdsQuestions(from).map((query) => decodeURIComponent(query).toLowerCase());
        expect(asked.filter((query) => query.includes('kiosk') || query.includes(kiosk.clientId))).toEqual(
          [],
        );
      });
    });

    describe('what its owner is told', () => {
      let pod: StagePod;
      let yaml: string;
      const check = () => `kubectl azure-pod-identity access till/web ${keep.resourceId.toLowerCase()}`;
      const till = { namespace: 'till', name: 'till' };
      const isGiven = ({ status }: RawResponse) => status === 200;

      test('is the same everywhere: the reason access-denied, the command that prints the roles, and the roles wherever they can be pasted', async () => {
        await write(stage, 'till/till', {
          type: 0,
          resourceID: keep.resourceId,
          clientID: keep.clientId,
        });
        pod = await stage.runPod({
          name: 'till',
          namespace: 'till',
          node: 0,
          label: 'till',
          serviceAccount: 'web',
        });
        const { status, body } = await decision(pod);
        const { reason, message } = await untilReadyIs(
          stage,
          till,
          (ready) => ready.reason === 'AccessDenied',
        );
        const events = await Promise.all(
          (['nmi', 'mic'] as const).map((from) =>
            untilPodEvent(stage, { namespace: 'till', pod: 'till', reason: 'AccessDenied', from }),
          ),
        );
        await installServices(stage, { flags: ['--identity-access=rbac'] });
        await labelAsLinux(stage, names.nodeName(0));
        await placeAgents(stage);
        const explained = await commands.plugIn('explain', 'till/till');
        const checked = await commands.plugIn('access', 'till/web', keep.resourceId);
        expect([status, reason, explained.code, checked.code]).toEqual([400, 'AccessDenied', 1, 1]);

        const error = body['error_description'] ?? '';
        const texts = { message, explained: explained.output };
        for (const text of [error, ...Object.values(texts), ...events]) expect(text).toContain(check());
        yaml = yamlIn(checked.output);
        expect(yaml).toContain('kind: ClusterRoleBinding');
        for (const [where, text] of Object.entries(texts))
          expect([where, yamlIn(text)]).toEqual([where, yaml]);
        // JSON would escape them.
        expect(yamlIn(error)).toBe('');
        // An Event is cut off at 1,024 characters: roles in it must be whole.
        for (const event of events) expect(['', yaml]).toContain(yamlIn(event));
        for (const event of events) expect(event).not.toContain('…');
      });

      test('gives the token when an administrator pastes it', async () => {
        expect(isAttached(stage, keep.resourceId)).toBe(false);
        await commands.kubectl('apply', yaml);
        const answer = await untilAnswer(() => ask(pod), {
          what: 'a token of the pasted right',
          fits: isGiven,
        });
        expect(principalOf(answer)).toBe(principal(keep));
        expect((await commands.plugIn('access', 'till/web', keep.resourceId)).code).toBe(0);
      });

      test('(b) the right withdrawn: the token is refused within the bound on a kept connection too, and the identity is detached', async () => {
        const connection = openConnection(pod, standard);
        expect((await connection.ask()).status).toBe(200);
        const from = mark();
        await commands.kubectl('delete', yaml);
        // --access-max-age, and what the API server takes to notice.
        const refused = await untilAnswer(connection.ask, {
          what: 'the refusal after --access-max-age',
          fits: ({ status }) => status !== 200,
          withinMs: 15_000,
        });
        expect([refused.status, refused.isReused]).toEqual([400, true]);
        expect(refused.body['error_description']).toContain(check());
        expect((await decision(pod)).status).toBe(400);
        connection.close();
        expect(imdsQuestions(from)).toEqual([]);
        await untilReleased(stage.kube, 'till', 'till');
        await untilDetached(stage, keep.resourceId);
        // Another team's, which has its right.
        expect(isAttached(stage, kiosk.resourceId)).toBe(true);
      });
    });

    describe('(c) reviews that come to nothing', () => {
      const bank = Object.keys(reviewFaults);
      const byAccount = (user: string) => {
        const [, , namespace, name = ''] = user.split(':');
        return namespace === 'bank' ? reviewFaults[name] : undefined;
      };
      let safe: Identity;
      let pods: StagePod[];

      beforeAll(async () => {
        await createNamespace(stage, 'bank');
        for (const account of bank) await createAccount(stage, 'bank', account);
        for (const account of ['first', 'second', 'third']) await createAccount(stage, 'shop', account);
        safe = addIdentity(stage, 'safe');
        await grantAll('bank', bank, safe);
        await grantAll('shop', ['first', 'second', 'third'], kiosk);
        reviews.faultFor = byAccount;
        await write(stage, 'bank/safe', { type: 0, resourceID: safe.resourceId, clientID: safe.clientId });
        const start = (name: string, n: number) =>
          stage.runPod({ name, namespace: 'bank', node: n % 2, label: 'safe', serviceAccount: name });
        pods = await Promise.all(bank.map(start));
      });

      const runShopper = (name: string) =>
        stage.runPod({ name, namespace: 'shop', node: 0, label: 'kiosk', serviceAccount: name });
      const getsToken = async (pod: StagePod, identity: Identity) => {
        const answer = await untilAnswer(() => ask(pod), {
          what: `a token for ${pod.object.metadata.name}`,
          fits: ({ status }) => status === 200,
        });
        expect(principalOf(answer)).toBe(principal(identity));
      };

      test('give no token, attach nothing, and leave another namespace its first token', async () => {
        const from = mark();
        const shopper = await runShopper('first');
        const asking = Promise.all(pods.map((pod) => ask(pod)));
        await reviews.untilHeld(1);
        await getsToken(shopper, kiosk);
        const statuses = (await asking).map(({ status }, n) => `${bank[n] ?? ''} ${status}`);
        expect(statuses).toEqual(bank.map((name) => `${name} 503`));
        expect(imdsQuestions(from).filter((query) => query.includes(safe.clientId))).toEqual([]);
        await mic.line((line) => line.includes('does not say who may use which identity'));
        expect(await assignedOf(stage.kube, 'bank')).toEqual([]);
        expect(isAttached(stage, safe.resourceId)).toBe(false);
      });

      test('give them as soon as they come to a verdict, without a restart', async () => {
        reviews.faultFor = () => undefined;
        reviews.release();
        await untilAssigned(stage.kube, bank, { namespace: 'bank' });
        await Promise.all(pods.map((pod) => getsToken(pod, safe)));
      });

      test('leave who had a token with one', async () => {
        const asked = reviews.users.length;
        reviews.faultFor = byAccount;
        const [, failing] = pods;
        const user = 'system:serviceaccount:bank:failing';
        const failed = () => reviews.users.slice(asked).filter((one) => one === user).length;
        await untilAnswer(() => ask(failing!), {
          what: 'three reviews that failed after --access-max-age',
          fits: ({ status }) => {
            expect(status).toBe(200);
            return failed() >= 3;
          },
        });
        reviews.faultFor = () => undefined;
      });

      test('in a storm of pairs of one namespace they are refused, and a pod of another namespace gets its first token meanwhile', async () => {
        const thieves = Array.from({ length: 12 }, (_, n) => `storm-${n}`);
        const wanted = thieves.map((name) => addIdentity(stage, name));
        for (const account of thieves) await createAccount(stage, 'pay', account);
        reviews.faultFor = (user) => (user.includes(':pay:storm-') ? 'held' : undefined);
        for (const [n, { resourceId, clientId }] of wanted.entries()) {
          const metadata = { namespace: 'pay', name: `storm-${n}` };
          const spec = { type: 0, resourceID: resourceId, clientID: clientId };
          await stage.create(identityObject('pay', metadata.name, spec), mallory.kube);
          const bound = { azureIdentity: metadata.name, selector: 'storm' };
          await stage.create({ ...bindingObject('pay', metadata.name), spec: bound }, mallory.kube);
        }
        const from = mark();
        const attackers = await Promise.all(
          thieves.map((name) => runAttacker(name, { label: 'storm', serviceAccount: name })),
        );
        const storm = Promise.all(
          attackers.flatMap((pod) => wanted.map(({ clientId }) => ask(pod, `&client_id=${clientId}`))),
        );
        // All that NMI and MIC ask for one namespace at once.
        await reviews.untilHeld(8 + 3);
        await getsToken(await runShopper('second'), kiosk);
        const statuses = new Set((await storm).map(({ status }) => status));
        expect([...statuses].filter((status) => ![400, 429, 503].includes(status))).toEqual([]);
        expect(
          imdsQuestions(from).filter((query) => wanted.some((one) => query.includes(one.clientId))),
        ).toEqual([]);
        await getsToken(await runShopper('third'), kiosk);
        reviews.faultFor = () => undefined;
        reviews.release();
      });
    });

    describe('(d) rights that are not granted for the cluster', () => {
      const useAll = [
        { apiGroups: ['azure.aadpodidentity.k8s.io'], resources: ['managedidentities'], verbs: ['use'] },
      ];
      const roleIn = (namespace: string, kind: string) =>
        pathOf({ apiVersion: 'rbac.authorization.k8s.io/v1', kind, namespace });
      const podIn = (namespace: string) => pathOf({ apiVersion: 'v1', kind: 'Pod', namespace });
      const victim = () => ({ type: 0, resourceID: kiosk.resourceId, clientID: kiosk.clientId });
      let owner: Person;

      beforeAll(async () => {
        owner = await createPerson(stage, { namespace: 'pay', name: 'owner', rules: everything });
        await write(mallory, 'pay/wish', victim());
      });
      afterAll(() => owner.kube.close());

      const asThief = (name: string, more: { label?: string; serviceAccount: string; by?: Person }) =>
        runAttacker(name, { node: 1, label: 'wish', ...more, by: (more.by ?? mallory).kube });

      test('the owner of a namespace, with every verb in it, gets no token by a Role, a RoleBinding or an annotation of the Namespace', async () => {
        const from = mark();
        const account = { namespace: 'pay', name: 'thief' };
        await createAccount(stage, 'pay', 'thief');
        const roles = rolesOf(account, useAll, 'thief');
        for (const object of roles) await stage.create(object, owner.kube);
        await untilGranted(stage.kube, roles);
        const annotations = { 'aadpodidentity.k8s.io/identity-access': 'namespace' };
        expect(await owner.attempt('PATCH', '/api/v1/namespaces/pay', { metadata: { annotations } })).toBe(
          'done',
        );
        const pod = await asThief('thief', { serviceAccount: 'thief', by: owner });
        const answers = await askAll(pod, kiosk);
        expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 400));
        expect((await commands.plugIn('access', 'pay/thief', kiosk.resourceId)).code).toBe(1);
        expect(imdsQuestions(from)).toEqual([]);
      });

      test('nor may he grant anything for the cluster, or reach into another namespace', async () => {
        const everywhere = {
          'a ClusterRole': ['ClusterRole', { rules: useAll }],
          'a ClusterRoleBinding': [
            'ClusterRoleBinding',
            {
              roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'cluster-admin' },
              subjects: [{ kind: 'ServiceAccount', namespace: 'pay', name: 'thief' }],
            },
          ],
        } as const;
        const attempts: Record<string, string> = {};
        for (const [what, [kind, object]] of Object.entries(everywhere))
          attempts[what] = await owner.attempt('POST', roleIn('', kind), {
            apiVersion: `${rbac}/v1`,
            kind,
            metadata: { name: 'thief' },
            ...object,
          });
        const [role, binding] = rolesOf({ namespace: 'shop', name: 'web' }, useAll, 'thief');
        attempts['a Role of shop'] = await owner.attempt('POST', roleIn('shop', 'Role'), role);
        attempts['a RoleBinding of shop'] = await owner.attempt(
          'POST',
          roleIn('shop', 'RoleBinding'),
          binding,
        );
        attempts['a pod of shop'] = await owner.attempt('POST', podIn('shop'), {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'thief', namespace: 'shop' },
          spec: { serviceAccountName: 'web', containers: [{ name: 'app', image: 'local.test/app:1' }] },
        });
        attempts['a token of shop/web'] = await owner.attempt(
          'POST',
          '/api/v1/namespaces/shop/serviceaccounts/web/token',
          { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [] } },
        );
        expect(attempts).toEqual(Object.fromEntries(Object.keys(attempts).map((what) => [what, 'denied'])));
      });

      test('who may write Roles grants no right that is not his own on v1.20, and with such a Role gets no token', async () => {
        const rules = lead;
        const person = await createPerson(stage, { namespace: 'pay', name: 'lead', rules });
        const [role] = rolesOf({ namespace: 'pay', name: 'lead' }, useAll, 'more');
        // v1.36 of the kit has no escalation checks.
        const expected = choice.name.includes('v1.20') ? 'denied' : 'done';
        expect(await person.attempt('POST', roleIn('pay', 'Role'), role)).toBe(expected);
        await person.kube.close();
        const pod = await asThief('lead', { serviceAccount: 'lead' });
        expect((await decision(pod)).status).toBe(400);
      });

      test.each(['web', 'shop/web', 'shop:web', 'system:serviceaccount:shop:web'])(
        'a pod of another namespace that is called by the ServiceAccount %s gets no token',
        async (serviceAccount) => {
          const from = mark();
          const name = `as-${serviceAccount.replaceAll(/\W/g, '-')}`;
          for (const label of ['wish', 'kiosk']) {
            const started = await asThief(`${name}-${label}`, { serviceAccount, label }).catch(
              (error: unknown) => {
                // v1.20 refuses such a name.
                expect([(error as KubeError).code, serviceAccount]).toEqual([
                  'invalid',
                  expect.stringMatching(/\W/),
                ]);
              },
            );
            const answers = started ? await askAll(started, kiosk) : [];
            expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 400));
          }
          expect(imdsQuestions(from)).toEqual([]);
        },
      );
    });

    describe('(e) an AzurePodIdentityException', () => {
      const machine = names.scaleSetId(names.scaleSet);
      const byName = () => `&client_id=${kiosk.clientId}`;
      let pod: StagePod;

      test('without the right on the machine leaves its pods ordinary ones', async () => {
        await stage.create(
          {
            apiVersion,
            kind: 'AzurePodIdentityException',
            metadata: { namespace: 'pay', name: 'free' },
            spec: { podLabels: { free: 'yes' } },
          },
          mallory.kube,
        );
        await write(mallory, 'pay/own', { type: 0, resourceID: own.resourceId, clientID: own.clientId });
        const object = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'free', labels: { free: 'yes' } } };
        pod = await runAttacker('free', { label: 'own', object });
        const from = mark();
        const refused = await askAll(pod, kiosk);
        const answer = await untilAnswer(() => ask(pod), {
          what: 'the token of an ordinary pod',
          fits: ({ status }) => status === 200,
        });
        expect(principalOf(answer)).toBe(principal(own));
        expect(refused.map(principalOf)).not.toContain(principal(kiosk));
        expect((await decision(pod, byName())).body['error_description']).toContain(
          `kubectl azure-pod-identity access pay/web ${machine.toLowerCase()}`,
        );
        expect(imdsQuestions(from).filter((query) => query.includes(kiosk.clientId))).toEqual([]);
      });

      test('with it makes them exempt', async () => {
        const { withdraw } = await grant('pay/web', machine);
        const exempt = await untilAnswer(() => ask(pod, byName()), {
          what: 'a token of the machine',
          fits: ({ status }) => status === 200,
        });
        expect(principalOf(exempt)).toBe(principal(kiosk));
        await withdraw();
        await untilAnswer(() => ask(pod, byName()), {
          what: 'the end of the exemption after --access-max-age',
          fits: ({ status }) => status === 400,
          withinMs: 15_000,
        });
      });
    });
    describe('(f) a service principal of somebody else', () => {
      const secret = { namespace: 'pay', name: 'password' };
      const foreign = '00000000-0000-0000-0000-00000000f0f0';
      const apps = {
        own: '00000000-0000-0000-0000-0000000a0001',
        other: '00000000-0000-0000-0000-0000000a0002',
      };
      let hidden: HiddenServer;
      let nmi: StageNmi;
      const spec = (over: object = {}) => ({
        type: 1,
        clientID: apps.own,
        tenantID: names.tenant,
        clientPassword: secret,
        adEndpoint: stage.sim.azure.entraUrl,
        ...over,
      });
      const secretOf = (namespace: string): KubeObject => ({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { ...secret, namespace },
        data: { password: Buffer.from('right').toString('base64') },
      });
      const pod = (name: string) => runAttacker(name, { node: 1 });

      beforeAll(async () => {
        hidden = await createHiddenServer();
        for (const clientId of Object.values(apps))
          stage.sim.azure.world.addApp({ clientId, secrets: ['right'] });
        await stage.create(secretOf('pay'), mallory.kube);
        await stage.create(secretOf('shop'));
        // NMI may read the Secrets of both namespaces.
        for (const namespace of ['pay', 'shop']) await stage.create(mayReadSecrets(namespace));
        await grantAll('pay', ['web'], spec());
        nmi = await stage.startNmi(1, [
          ...nmiFlags,
          '--operation-mode',
          'managed',
          '--authority-allow',
          new URL(stage.sim.azure.entraUrl).host,
        ]);
      });
      afterAll(() => hidden.stop());

      test('gives a token to who may use it', async () => {
        await write(mallory, 'pay/app', spec());
        const asking = await pod('app');
        const answer = await untilAnswer(() => sendRaw({ pod: asking, nmi }), {
          what: 'a token of the application',
          fits: ({ status }) => status === 200,
        });
        expect(answer.body['client_id']).toBe(apps.own);
      });

      const attacks: readonly (readonly [string, string, () => object])[] = [
        ['in a foreign tenant', 'tenant', () => ({ tenantID: foreign })],
        ['in a foreign auxiliary tenant', 'auxiliary', () => ({ auxiliaryTenantIDs: [foreign] })],
        ['in a tenant that is a path', 'path', () => ({ tenantID: `${names.tenant}/../${foreign}` })],
        ['with the client id of another application', 'client', () => ({ clientID: apps.other })],
        ['at a foreign login endpoint', 'host', () => ({ adEndpoint: hidden.url })],
        [
          'at an endpoint that looks like the allowed one',
          'user',
          () => ({
            adEndpoint: `https://${new URL(stage.sim.azure.entraUrl).host}@${new URL(hidden.url).host}`,
          }),
        ],
        [
          'with a Secret of another namespace',
          'secret',
          () => ({ clientPassword: { ...secret, namespace: 'shop' } }),
        ],
      ];

      test.each(attacks)('is not asked for %s', async (_, name, over) => {
        const from = mark();
        const secretsRead = reviews.paths.length;
        await write(mallory, `pay/sp-${name}`, spec(over()));
        const asking = await pod(`sp-${name}`);
        const { status } = await decisiveAnswer(() => sendRaw({ pod: asking, nmi }));
        expect(status).toBe(400);
        expect(stage.sim.azure.journal.entries({ service: 'entra', since: from })).toEqual([]);
        expect(reviews.paths.slice(secretsRead).filter((path) => path.includes('/secrets'))).toEqual([]);
        expect(hidden.connections()).toBe(0);
      });
    });

    describe('identities by labels, by ServiceAccount and of another namespace', () => {
      let reader: Identity;
      let writer: Identity;
      let logs: Identity;
      const market = (name: string) => `/api/v1/namespaces/market/pods/${name}`;
      const setLabels = (path: string, labels: Readonly<Record<string, string | null>>) =>
        stage.kube.request({
          method: 'PATCH',
          path,
          body: { metadata: { labels } },
          contentType: 'application/merge-patch+json',
        });
      const bindTo = (identity: string, name: string, spec: object) =>
        stage.create({
          apiVersion,
          kind: 'AzureIdentityBinding',
          metadata: { namespace: 'market', name },
          spec: { azureIdentity: identity, ...spec },
        });
      const run = (name: string, serviceAccount: string, labels: Readonly<Record<string, string>>) =>
        stage.runPod({
          name,
          namespace: 'market',
          node: 0,
          serviceAccount,
          object: { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels } },
        });
      const untilToken = async (pod: StagePod, identity: Identity, more?: string) => {
        const answer = await untilAnswer(() => ask(pod, more), {
          what: `a token of ${identity.resourceId} for ${pod.object.metadata.name}`,
          fits: (one) => one.status === 200 && principalOf(one) === principal(identity),
        });
        expect(answer.status).toBe(200);
      };
      const untilRefused = (pod: StagePod, more?: string) =>
        untilAnswer(() => ask(pod, more), {
          what: `a refusal for ${pod.object.metadata.name}`,
          fits: ({ status }) => status === 400,
        });
      const byId = ({ clientId }: Identity) => `&client_id=${clientId}`;

      beforeAll(async () => {
        for (const namespace of ['market', 'platform']) await createNamespace(stage, namespace);
        for (const account of ['web', 'batch']) await createAccount(stage, 'market', account);
        [reader, writer, logs] = ['reader', 'writer', 'logs'].map((name) => addIdentity(stage, name)) as [
          Identity,
          Identity,
          Identity,
        ];
        const specOf = ({ resourceId, clientId }: Identity) => ({
          type: 0,
          resourceID: resourceId,
          clientID: clientId,
        });
        await stage.create(identityObject('market', 'reader', specOf(reader)));
        await stage.create(identityObject('market', 'writer', specOf(writer)));
        await grantAll('market', ['web', 'batch'], reader);
        await grantAll('market', ['web'], writer);
        await grantAll('market', ['web'], logs);
        await bindTo('reader', 'by-label', { podSelector: { matchLabels: { app: 'web' } } });
        await bindTo('reader', 'by-account', { serviceAccountName: 'batch' });
        const matchExpressions = [
          { key: 'tier', operator: 'In', values: ['front', 'back'] },
          { key: 'debug', operator: 'DoesNotExist' },
        ];
        await bindTo('writer', 'by-expressions', { podSelector: { matchExpressions }, default: true });
        await stage.create({
          ...identityObject('platform', 'logs', {
            ...specOf(logs),
            allowedNamespaces: { names: ['market'] },
          }),
        });
        await stage.create(bindingObject('platform', 'logs'));
      });

      test('are given to the pods that they select, the default one to a request that names none', async () => {
        const [web, batch, other] = await Promise.all([
          run('web', 'web', { app: 'web', tier: 'front' }),
          run('batch', 'batch', {}),
          run('other', 'web', { app: 'other', tier: 'front', debug: 'yes' }),
        ]);
        await untilToken(web, writer);
        await untilToken(web, reader, byId(reader));
        await untilToken(batch, reader);
        for (const identity of [reader, writer])
          expect((await decision(other, byId(identity))).status).toBe(400);
        expect((await assignedOf(stage.kube, 'market')).map(podOf).sort()).toEqual(['batch', 'web', 'web']);
      });

      test('end with the label: the token is refused, and the identity is detached', async () => {
        const pod = await run('short', 'web', { app: 'web', tier: 'back' });
        await untilToken(pod, writer);
        await setLabels(market('short'), { tier: null });
        await untilRefused(pod, byId(writer));
        await untilToken(pod, reader);
        await setLabels(market('short'), { app: 'other' });
        await untilRefused(pod);
        await untilReleased(stage.kube, 'short', 'market');
      });

      test('are found by one watch of the cluster when many namespaces have such bindings', async () => {
        const before = await run('before', 'web', { app: 'web', tier: 'back' });
        await untilToken(before, writer);
        await Promise.all(
          // More than MIC watches one by one.
          crowdObjects(33).map(async (objects) => {
            for (const object of objects) await stage.create(object);
          }),
        );
        await mic.line((line) => line.includes('it watches all pods of the cluster'));
        await setLabels(market('before'), { app: 'other', tier: null });
        await untilRefused(before);
        await untilReleased(stage.kube, 'before', 'market');
        await untilToken(await run('after', 'web', { app: 'web' }), reader);
      });

      test('of another namespace are given while the Namespace accepts them by its label', async () => {
        const pod = await run('shipper', 'web', { aadpodidbinding: 'logs' });
        expect((await decision(pod, byId(logs))).status).toBe(400);
        const accepts = 'identities-from.aadpodidentity.k8s.io/platform';
        await setLabels('/api/v1/namespaces/market', { [accepts]: 'true' });
        await untilToken(pod, logs, byId(logs));
        await setLabels('/api/v1/namespaces/market', { [accepts]: null });
        await untilRefused(pod, byId(logs));
        await untilReleased(stage.kube, 'shipper', 'market');
      });
    });

    test('(a) for a record that an attacker wrote while MIC ran, Azure was not called', () => {
      const calls = armCallsAbout(/ghost/i, 0).map((call) => JSON.stringify(call));
      const seen = [...calls, ...imdsQuestions(0).map(decodeURIComponent)];
      expect(seen.filter((text) => /ghost/i.test(text) || text.includes(ghost.clientId))).toEqual([]);
    });
  });
});
