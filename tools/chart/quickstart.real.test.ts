// The commands of docs/administrator/quickstart.md, read from the page, on a real API server of Kubernetes 1.34 with its controllers. Programs on the
// PATH stand for Azure and its registry, and for what needs a kubelet: they note how they are called.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startApiServer, whyNoApiServer, whyNoPrograms } from '@pod-identity/kit/testing';
import { startSim, type World } from '@pod-identity/sim';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { azureCli } from '../stage/azure-cli.ts';
import { createCleanup } from '../stage/cleanup.ts';
import { subscription } from '../stage/names.ts';
import { printedCommands } from '../stage/printed.ts';
import { repository } from '../stage/places.ts';
import { installStandIn, type StandIn } from '../stage/stand-in.ts';
import { findHelm } from './helm-for-tests.ts';

const helm = await findHelm('4.2.3');
const missing =
  whyNoApiServer() ??
  whyNoPrograms({ programs: ['kubectl'] }) ??
  (helm.kind === 'missing' ? helm.why : undefined);
if (missing !== undefined) console.warn(`skipped the quickstart: ${missing}`);

const page = 'docs/administrator/quickstart.md';
const patienceMs = 120_000;
const attempts = 300;
/** In Azure's spelling, which is not that of the command that creates it. */
const identity = `/subscriptions/${subscription}/resourceGroups/My-Group/providers/Microsoft.ManagedIdentity/userAssignedIdentities/demo`;
const client = '11111111-2222-4333-8444-555555555555';
const registry = 'mypodidentity.azurecr.io';
const nothing = () => undefined;

/** Notes its name and arguments, then does what `then` says. */
const standIn = (name: string, then: string) => `#!/bin/sh
echo ${name} "$*" >> "$NOTES"
${then}
`;
/** Of az, besides those of the stage. */
const azure = {
  'aks show': () => ({
    nodeResourceGroup: 'MC_nodes',
    identityProfile: { kubeletidentity: { objectId: 'kubelet-object' } },
  }),
  'aks get-credentials': nothing,
  'aks update': nothing,
  'acr create': nothing,
  'acr show': () => ({ loginServer: registry }),
  'acr login': () => ({ accessToken: 'registry-token' }),
};
const kubectl = `case " $* " in *" rollout status "* | *" exec "* | *" wait "* | *" logs "*) exit 0 ;; esac
PATH="$REAL_PATH" exec kubectl "$@"`;

describe.skipIf(missing !== undefined)('the quickstart', () => {
  const cleanup = createCleanup();
  let folder: string;
  let kubeconfig: string;
  let notes: string;
  let az: StandIn;
  let world: World;

  beforeAll(async () => {
    const server = await startApiServer({ flavour: 'v1.34', hasControllers: true });
    if ('skipped' in server) throw new Error(server.skipped);
    cleanup.add(() => server.stop());
    ({ kubeconfig } = server);
    folder = await mkdtemp(join(tmpdir(), 'pod-identity-quickstart-'));
    cleanup.add(() => rm(folder, { recursive: true }));
    const bin = join(folder, 'bin');
    await mkdir(bin);
    if (helm.kind === 'found') await symlink(helm.program, join(bin, 'helm'));
    const sim = await startSim();
    cleanup.add(() => sim.stop());
    ({ world } = sim.azure);
    world.addIdentity({ resourceId: identity, clientId: client });
    az = await installStandIn({ folder: bin, name: 'az' }, azureCli(world, azure));
    cleanup.add(() => az.stop());
    const programs = { skopeo: 'case $1 in login) cat > /dev/null ;; esac', npm: '', kubectl };
    for (const [name, then] of Object.entries(programs))
      await writeFile(join(bin, name), standIn(name, then), { mode: 0o755 });
    await until(
      () => run('kubectl get serviceaccount default -o name 2>&1 || true'),
      /serviceaccount\/default/,
    );
    const commands = printedCommands(page).filter((command) => command.includes('\n'));
    await run(commands.join('\n'));
    notes = await readFile(join(folder, 'notes'), 'utf8');
  }, 2 * patienceMs);
  afterAll(() => cleanup.run());

  /** Runs the commands in the repository; resolves with what they print. */
  const run = (commands: string) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const path = process.env['PATH'] ?? '';
    const env = {
      ...process.env,
      PATH: `${join(folder, 'bin')}:${path}`,
      REAL_PATH: path,
      NOTES: join(folder, 'notes'),
      KUBECONFIG: kubeconfig,
      HOME: folder,
    };
    const args = ['-euo', 'pipefail', '-c', commands];
    execFile('bash', args, { cwd: repository, env, timeout: patienceMs }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${stdout}${stderr}`, { cause: error }));
    });
    return promise;
  };

  test('pushes every image that the cluster then runs', async () => {
    const images = await run(
      `kubectl get deployments,daemonsets -A -o jsonpath='{range .items[*].spec.template.spec}{.initContainers[*].image} {.containers[*].image} {end}'
       kubectl get pod demo -o jsonpath='{.spec.containers[*].image}'`,
    );
    const pushed = [...notes.matchAll(/^skopeo copy .*docker:\/\/(\S+)$/gm)].map(([, image]) => image);
    const used = new Set(images.split(/\s+/).filter((image) => image !== ''));
    expect([...used].toSorted()).toEqual(pushed.toSorted());
    expect(pushed).toHaveLength(3);
    expect(az.calls.map((words) => words.join(' '))).toContain(
      'aks update --resource-group my-group --name my-cluster --attach-acr mypodidentity',
    );
  });

  test('gives MIC its two roles, on the group of the nodes and on the identity', () => {
    const given = world.assignments().map(({ principalId, role, scope }) => [principalId, role, scope]);
    expect(given).toEqual([
      [
        'kubelet-object',
        'Virtual Machine Contributor',
        `/subscriptions/${subscription}/resourceGroups/MC_nodes`,
      ],
      ['kubelet-object', 'Managed Identity Operator', identity],
    ]);
  });

  test('gives the ServiceAccount of the pod the right on this identity', async () => {
    const right = `resource: managedidentities, name: ${identity.toLowerCase()}`;
    await until(() => run(reviewOf('default', right)), /^true$/);
    const label = `kubectl get pod demo -o jsonpath='{.metadata.labels.aadpodidbinding}'`;
    const selector = `kubectl get azureidentitybinding demo -o jsonpath='{.spec.selector}'`;
    expect(await run(label)).toBe(await run(selector));
    const written = await run(
      `kubectl get azureidentity demo -o jsonpath='{.spec.resourceID} {.spec.clientID}'`,
    );
    expect(written).toBe(`${identity} ${client}`);
  });

  test('exempts the add-ons with the right that the mode rbac asks for', async () => {
    expect(await run('kubectl get azurepodidentityexceptions -n kube-system -o name')).not.toBe('');
    await until(() => run(reviewOf('kube-system', 'resource: machines')), /^true$/);
  });

  test('its pod waits while the identity is assigned, and prints whose token it got', async () => {
    const responses = [
      { status: 503, body: { error_description: 'is being assigned' } },
      { status: 200, body: { access_token: 'x'.repeat(9), client_id: client } },
    ];
    const server = createServer((request, response) => {
      const { status, body } = responses.shift() ?? { status: 500, body: {} };
      expect(request.headers['metadata']).toBe('true');
      response
        .writeHead(status, { 'Retry-After': '0', 'Content-Type': 'application/json' })
        .end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanup.add(() => new Promise<void>((resolve) => server.close(() => resolve())));
    const { port } = server.address() as AddressInfo;
    const command = JSON.parse(
      await run(`kubectl get pod demo -o jsonpath='{.spec.containers[0].command}'`),
    ) as string[];
    const [, ...args] = command.map((part) => part.replace('169.254.169.254', `127.0.0.1:${port}`));
    const { stdout: printed } = await promisify(execFile)(process.execPath, args);
    expect(printed.trim().split('\n')).toEqual([
      '503 is being assigned',
      `a token of 9 characters for the client id ${client}`,
    ]);
  });
});

/** The command that prints whether ServiceAccounts of a namespace have the right. */
const reviewOf = (
  namespace: string,
  right: string,
) => `kubectl create -o jsonpath='{.status.allowed}' -f - <<'END'
apiVersion: authorization.k8s.io/v1
kind: SubjectAccessReview
spec:
  user: system:serviceaccount:${namespace}:default
  groups: [system:serviceaccounts, 'system:serviceaccounts:${namespace}']
  resourceAttributes: { group: azure.aadpodidentity.k8s.io, ${right}, verb: use }
END`;

/** The API server's caches and controllers take a moment, and have no sign that says when they are done. */
async function until(read: () => Promise<string>, wanted: RegExp): Promise<void> {
  let printed = '';
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    printed = await read();
    if (wanted.test(printed)) return;
    await pause(100);
  }
  throw new Error(`there was still: ${printed}`);
}
