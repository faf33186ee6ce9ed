// What `npm start -- --keep` prints when the story is over: addresses, and commands that work as they are printed.
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { shellWord } from '@pod-identity/policy';
import * as names from '../stage/names.ts';
import { repository } from '../stage/places.ts';
import type { Service } from '../stage/service.ts';
import type { Stage } from '../stage/stage.ts';
import type { Programs } from './story.ts';
import { showInstalled } from './installed.ts';
import { createPodRunner, type RunningPod } from './pod-runner.ts';
import type { Terminal } from './terminal.ts';

export interface Kept {
  readonly stage: Stage;
  readonly programs: Programs;
  readonly sample: Service;
  /** Where the sample's pod reaches NMI. */
  readonly podUrl: string;
  /** Whether the API server is the simulated one. */
  readonly isSimulated: boolean;
}

/** Runs the pods that the user creates, until the process ends. */
export async function keepRunning(kept: Kept, terminal: Terminal): Promise<never> {
  if (kept.isSimulated) await showInstalled(kept.stage, kept.programs);
  await printAddresses(kept, terminal);
  printCalls(kept, terminal);
  printPlugIn(terminal);
  // On a real API server the pods are others': they have nodes and addresses already.
  if (!kept.isSimulated) return new Promise(() => undefined);
  const runner = createPodRunner(kept.stage, kept.programs.nmis);
  printPods((await runner.next()).begun, terminal);
  for (;;) {
    const { begun, ended } = await runner.next();
    for (const { name } of ended) terminal.print(`\nPod ${name} was deleted.`);
    for (const { name, nodeName, url } of begun) {
      terminal.print(`\nPod ${name} is on node ${nodeName}. To ask as this pod:`);
      terminal.command(`POD=${url}`, 'ask');
    }
  }
}

async function printAddresses({ stage, sample }: Kept, terminal: Terminal): Promise<void> {
  const { azure } = stage.sim;
  const page = await sample.line((line) => line.startsWith('web page on '));
  terminal.print('\nAll of it goes on until Ctrl-C. In another terminal, in this folder:', 'bold');
  terminal.print('\nkubectl:');
  terminal.command(
    `export KUBECONFIG=${resolve(stage.kubeconfig)}`,
    `export PATH=${await putPlugInOnPath(stage)}:$PATH`,
    'kubectl get azureidentity,azureidentitybinding,pods',
  );
  terminal.print('\nThe page of the sample, Key Vault, and the metadata service (IMDS) of a VM:');
  terminal.command(
    page.slice('web page on '.length),
    azure.vaultUrl(names.vault),
    azure.imdsUrl(`${names.scaleSet}_0`),
  );
}

function printCalls({ stage, podUrl }: Kept, terminal: Terminal): void {
  const { azure } = stage.sim;
  terminal.print('\nAsk for a token as sample-pod, and read a secret with it:');
  terminal.command(
    `POD=${podUrl}`,
    'ask() { curl -sG -H Metadata:true $POD/metadata/identity/oauth2/token \\',
    '  -d api-version=2018-02-01 -d resource=https://vault.azure.net; echo; }',
    'ask',
    `TOKEN=$(ask | sed 's/.*"access_token":"//; s/".*//')`,
    `curl -s --cacert ${azure.caFile} \\`,
    '  -H "Authorization: Bearer $TOKEN" \\',
    `  '${azure.vaultUrl(names.vault)}/secrets/api-key?api-version=7.5'; echo`,
  );
}

function printPlugIn(terminal: Terminal): void {
  terminal.print('\nWhat waits and why, why a pod gets a token or not, and a page of both:');
  terminal.command(
    'kubectl azure-pod-identity status',
    'kubectl azure-pod-identity explain default/sample-pod',
    'kubectl azure-pod-identity ui',
  );
}

/** Returns a folder in which kubectl finds the plug-in under the name that its documentation has. */
async function putPlugInOnPath({ folder }: Stage): Promise<string> {
  const bin = join(folder, 'bin');
  await mkdir(bin);
  const words = [process.execPath, join(repository, 'packages/kubectl/dist/main.js')].map(shellWord);
  const script = `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`;
  await writeFile(join(bin, 'kubectl-azure_pod_identity'), script, { mode: 0o755 });
  return bin;
}

function printPods(pods: readonly RunningPod[], terminal: Terminal): void {
  terminal.print('\nThe other pods of the story; to ask as one of them: POD=ADDRESS, then ask');
  const others = pods.filter(({ name }) => name !== 'default/sample-pod');
  const longest = Math.max(...others.map(({ name }) => name.length));
  for (const { name, url } of others) terminal.command(`${name.padEnd(longest)}  ${url}`);
  terminal.print('\nAn identity for a pod without one; a pod of your own, whose address follows:');
  terminal.command(
    'kubectl label pod unlabelled aadpodidbinding=demo-app',
    'kubectl run mine --image=any --labels=aadpodidbinding=demo-app',
  );
  terminal.print(
    '\nNo container runs: there is no kubectl logs, exec or port-forward. No controller runs: a Deployment starts no pods.',
    'dim',
  );
}
