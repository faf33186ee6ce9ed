// `npm start`: the story on a terminal. --keep leaves it up, --kubeconfig FILE uses a real API server.
import { createHash } from 'node:crypto';
import { constants } from 'node:os';
import { openStage, type Stage } from '../stage/stage.ts';
import { readArguments } from './arguments.mjs';
import { readSecretFederated } from './federated.ts';
import { keepRunning } from './kept.ts';
import * as story from './story.ts';
import { createTerminal, paint } from './terminal.ts';

const { values, text, code } = readArguments(process.argv.slice(2));
if (!values) {
  console.error(text);
  process.exit(code);
}
const { kubeconfig } = values;
const terminal = createTerminal();

/** A short lifetime, so that the swap has an effect soon: SDKs keep real tokens for hours. */
const tokenLifetimeSeconds = 4;

/** The same ids in each run: what is printed of them can be compared. */
let ids = 0;
const newId = (): string => {
  ids += 1;
  const digits = createHash('sha256').update(`demo ${ids}`).digest('hex');
  return [
    [0, 8],
    [8, 12],
    [12, 16],
    [16, 20],
    [20, 32],
  ]
    .map((part) => digits.slice(...part))
    .join('-');
};

let opening: Promise<Stage> | undefined;
let programs: story.Programs | undefined;
/** Also stops a stage that is still being opened. */
const stop = async () => {
  const stage = await opening?.catch(() => undefined);
  const { mics = [], nmis = [], brokers = [] } = programs ?? {};
  const services = [...mics, ...nmis.map(({ service }) => service), ...brokers];
  await Promise.all(services.map((service) => service.stop()));
  await stage?.stop();
};
let stoppedBy: NodeJS.Signals | undefined;
const interrupted = new Promise<never>((_, reject) => {
  const stopBy = (signal: NodeJS.Signals) => () => {
    stoppedBy ??= signal;
    reject(new Error(`stopped by ${signal}`));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stopBy(signal));
  // Whoever read the story, such as `head`, has gone. Node.js ignores the signal, and reports the next write as an error.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', stopBy('SIGPIPE'));
});

async function play(keep: boolean): Promise<void> {
  terminal.print('A pod reads a secret of Azure Key Vault with an identity instead of a secret.');
  terminal.print(
    kubeconfig === undefined
      ? 'Azure and Kubernetes are simulated; MIC, NMI and the sample are the real ones.'
      : 'Azure is simulated; the API server, MIC, NMI and the sample are the real ones.',
  );
  opening = openStage({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    azure: { tokenLifetimeSeconds, newId },
    onLine: (name, line) => {
      if (values?.verbose) terminal.say(`${name}: ${line}`, 'dim');
    },
  });
  const stage = await opening;
  programs = await story.startPrograms(stage, terminal);
  const from = values?.[2018] ? story.manifests2018 : story.manifests;
  const pod = await story.applyManifests(stage, terminal, from);
  await story.awaitAssignment(stage, terminal, programs);
  const nmi = programs.nmis[pod.node];
  if (!nmi) throw new Error('there is no NMI on the node of the pod');
  const { sample, podUrl, ms } = await story.readSecret(stage, terminal, { pod, nmi });
  await story.swapIdentity(stage, terminal, sample);
  terminal.say(
    `(tokens of the simulator live ${tokenLifetimeSeconds} s; the Azure SDKs keep real ones for hours before they ask again)`,
    'dim',
  );
  if (!keep) await sample.stop();
  await story.showRefusals(stage, terminal, programs);
  if (kubeconfig === undefined) programs = await readSecretFederated(stage, terminal, programs);
  else terminal.say('(7, federated identities, needs the simulated API server, and is left out)', 'dim');
  story.summarise(stage, terminal, ms);
  if (!keep) return;
  if (programs.mics.length === 0) programs = { ...programs, mics: await story.startMics(stage) };
  await keepRunning({ stage, programs, sample, podUrl, isSimulated: kubeconfig === undefined }, terminal);
}

const { keep } = values;
try {
  await Promise.race([play(keep), interrupted]);
  console.log(`\n${paint('green', 'The story is told.')}`);
  terminal.print('npm start -- --keep leaves all of it running, for kubectl and curl.');
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  if (stoppedBy !== 'SIGPIPE') console.error(`\n${paint(stoppedBy ? 'dim' : 'red', message)}`);
  process.exitCode = stoppedBy === undefined ? 1 : keep ? 0 : 128 + constants.signals[stoppedBy];
} finally {
  await stop();
  process.exit();
}
