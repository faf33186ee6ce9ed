// `npm start`: the story on a terminal. --keep leaves it up, --kubeconfig FILE uses a real API server.
import { parseArgs, styleText } from 'node:util';
import { openStage, type Stage } from '../stage/stage.ts';
import * as story from './story.ts';

const { values } = parseArgs({
  options: {
    keep: { type: 'boolean', default: false },
    kubeconfig: { type: 'string' },
    '2018': { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});

const begun = performance.now();
const paint = (format: 'bold' | 'green' | 'cyan' | 'dim' | 'red', text: string) => styleText(format, text);
const narrator: story.Narrator = {
  step: (number, title) => {
    const seconds = ((performance.now() - begun) / 1000).toFixed(1).padStart(5);
    console.log(`\n${paint('dim', `${seconds} s`)}  ${paint('cyan', `${number}.`)} ${paint('bold', title)}`);
  },
  say: (text) => console.log(`         ${text}`),
};

/** A short lifetime, so that the swap has an effect soon: SDKs keep real tokens for hours. */
const tokenLifetimeSeconds = 4;

let opening: Promise<Stage> | undefined;
/** Also stops a stage that is still being opened. */
const stop = async () => (await opening?.catch(() => undefined))?.stop();
const interrupted = new Promise<never>((_, reject) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => reject(new Error(`stopped by ${signal}`)));
  }
});

async function play(): Promise<void> {
  opening = openStage({
    ...(values.kubeconfig === undefined ? {} : { kubeconfig: values.kubeconfig }),
    azure: { tokenLifetimeSeconds },
    onLine: (name, line) => {
      if (values.verbose) console.log(paint('dim', `         ${name}: ${line}`));
    },
  });
  const opened = await opening;
  const programs = await story.startPrograms(opened, narrator);
  const from = values['2018'] ? story.manifests2018 : story.manifests;
  const pod = await story.applyManifests(opened, narrator, from);
  await story.awaitAssignment(opened, narrator, programs);
  const nmi = programs.nmis[pod.node];
  if (!nmi) throw new Error('there is no NMI on the node of the pod');
  const { sample, ms } = await story.readSecret(opened, narrator, { pod, nmi });
  await story.swapIdentity(opened, narrator, sample);
  narrator.say(
    paint(
      'dim',
      `(the simulator's tokens live ${tokenLifetimeSeconds} s; the Azure SDKs keep real ones for hours before they ask again)`,
    ),
  );
  await story.showRefusals(opened, narrator, programs);
  story.summarise(opened, narrator, ms);
  if (values.keep) {
    narrator.say(`still up; Ctrl-C ends it. export KUBECONFIG=${opened.kubeconfig}`);
    await interrupted;
  }
}

try {
  await Promise.race([play(), interrupted]);
  console.log(`\n${paint('green', 'The story is told.')}`);
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  console.error(`\n${paint(message.startsWith('stopped by') ? 'dim' : 'red', message)}`);
  process.exitCode = message === 'stopped by SIGINT' ? 130 : 1;
  if (values.keep && message.startsWith('stopped by')) process.exitCode = 0;
} finally {
  await stop();
  process.exit();
}
