// The demo as a process: with one loopback address, and what --keep prints works as it is printed.
import { whyNoPrograms } from '@pod-identity/kit/testing';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { askForToken } from '../../demo/story.ts';
import { repository } from '../../stage/places.ts';
import { runCommand } from '../../stage/run-command.ts';
import { openNetworkNamespace } from '../clients/network-namespace.ts';
import { openDemoPlace } from '../demo-process.ts';

let demo: Awaited<ReturnType<typeof openDemoPlace>>;
beforeEach(async () => {
  demo = await openDemoPlace();
});
afterEach(() => demo.remove());

const whyNoNamespace = whyNoPrograms({ programs: ['ip'], root: true });
if (whyNoNamespace !== undefined)
  console.warn(`the test of npm start with one loopback address, as on macOS, is skipped: ${whyNoNamespace}`);

test.skipIf(whyNoNamespace !== undefined)(
  'npm start works where loopback has 127.0.0.1 alone, as on macOS, and its lines fit 120 columns',
  async () => {
    const namespace = await openNetworkNamespace('demo');
    onTestFinished(() => namespace.remove());
    for (const command of ['address del 127.0.0.1/8 dev lo', 'address add 127.0.0.1/32 dev lo']) {
      const [ip, ...args] = namespace.inside('ip', command.split(' '));
      await runCommand(ip, args);
    }
    const listen = `require('node:net').createServer().on('error', ({ code }) => console.log(code)).listen(0, '127.0.2.1')`;
    const [program, ...args] = namespace.inside(process.execPath, ['--eval', listen]);
    expect((await runCommand(program, args)).stdout).toBe('EADDRNOTAVAIL\n');

    const { lines, ended } = demo.start({ through: namespace.inside('env', []), columns: 120 });
    const [code] = await ended();
    expect(code, lines.join('\n')).toBe(0);
    expect(lines.filter((line) => line.length > 120)).toEqual([]);
    for (const reader of ['demo_pod_identity;', 'demo_pod_identity_2;', 'demo_federated_identity,'])
      expect(lines.join('\n')).toContain(`vault   reader is ${reader}`);
    await demo.expectNothingLeft();
  },
);

const whyNoClients = whyNoPrograms({ programs: ['kubectl', 'curl'] });
if (whyNoClients !== undefined) console.warn(`the test of npm start -- --keep is skipped: ${whyNoClients}`);

test.skipIf(whyNoClients !== undefined)(
  '--keep keeps the sample and its page, and its commands work as they are printed, also for a pod of the user',
  async () => {
    const { child, until, lines, ended } = demo.start({ columns: 80 }, '--keep');
    await until(/a Deployment starts no\s+pods/);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    const printed = lines.slice(lines.findIndex((line) => line.startsWith('All of it goes on')));
    const indented = printed.filter((line) => line.startsWith('    ')).map((line) => line.slice(4));
    const [page = ''] = indented.filter((line) => /^http:.*\/$/.test(line));
    const isEndless = (line: string) => line === 'kubectl azure-pod-identity ui';
    expect(indented.filter(isEndless)).toHaveLength(1);
    const commands = indented.filter(
      (line) => !/^(https?:|default\/|other-team\/|pay\/)/.test(line) && !isEndless(line),
    );
    expect(await (await fetch(page)).text()).toContain('database-password');

    const { stdout } = await runCommand('sh', [
      '-euc',
      ['exec 2>&1', `cd ${repository}`, ...commands].join('\n'),
    ]);
    expect(stdout).toMatch(/pod\/sample-pod +Running/);
    expect(stdout).toMatch(/^\{"access_token":"/m);
    expect(stdout).toContain('"value":"battery staple"');
    expect(stdout).toContain('\u2713 default/sample-pod gets tokens as ');
    expect(stdout).toMatch(/^broker aad-pod-identity-broker\/broker: ok, 1 of 1 ready/m);
    expect(stdout).toContain('pod/unlabelled labeled');
    expect(stdout).toContain('pod/mine created');
    const [, federated = ''] = /^pay\/web +(http.*)$/m.exec(indented.join('\n')) ?? [];
    expect(await askForToken(federated)).toMatchObject({ status: 200 });

    await until(/^Pod default\/mine is on node .*\n {4}POD=.*\n {4}ask$/m);
    const ask = lines.findIndex((line) => line.startsWith('Pod default/mine is on node '));
    const url = /POD=(.*)$/.exec(lines[ask + 1] ?? '')?.[1] ?? '';
    expect(await askForToken(url)).toMatchObject({ status: 200 });

    const kubeconfig = commands.find((line) => line.startsWith('export KUBECONFIG='))?.split('=')[1] ?? '';
    await runCommand('kubectl', [`--kubeconfig=${kubeconfig}`, 'delete', 'pod', 'mine']);
    await until(/^Pod default\/mine was deleted\.$/m);
    child.kill('SIGINT');
    expect(await ended()).toEqual([0, null]);
    await demo.expectNothingLeft();
  },
);
