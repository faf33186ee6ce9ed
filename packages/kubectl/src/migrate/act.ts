// What `--apply` does for a step.
import { parseAzureAssignedIdentity, resources } from '@pod-identity/crd-types';
import { printable } from '@pod-identity/kit/core';
import { createAccessReviewer, createResource, wholeObject } from '@pod-identity/kit/kube';
import type { NamesReview } from '@pod-identity/policy';
import { reviewTarget } from '../../../mic/src/commands/plug-in.ts';
import { readNmiExplanation } from '../../../nmi/src/commands/plug-in.ts';
import type { Session } from '../cli/command.ts';
import { azCommand } from './credential.ts';
import { agentConfigOf, lookAtPods, usersOf } from './look.ts';
import type { Action, Exchange, Right } from './plan.ts';
import { performWrite, Stopped } from './perform.ts';
import { runProgram, type Ended } from './programs.ts';
import { exchangeWords } from './shared-steps.ts';
import { keyOf } from './sight.ts';

export interface Acting {
  readonly session: Session;
  /** `--run-az`. */
  readonly isAzRun: boolean;
  /** What the step waits for. */
  readonly notify: (text: string) => void;
}

/** A new role counts within seconds. */
const grantedWithinMs = 60_000;
/** MIC attaches 8 identities to a host at once, and then one in 20 s; a PATCH takes up to a minute. */
const assignedWithinMs = 15 * 60_000;
/** A new credential comes and goes in Microsoft Entra for minutes. */
const credentialWithinMs = 10 * 60_000;
/** The broker exchanges few tokens of one identity. */
const betweenExchangesMs = 10_000;

/** Throws Stopped if the plan cannot go on. */
export async function act(action: Action, acting: Acting): Promise<void> {
  const { kube, signal } = acting.session;
  switch (action.kind) {
    case 'write':
      for (const write of action.writes) await performWrite(write, kube, signal);
      return untilGranted(action.rights ?? [], acting);
    case 'exchange':
      return untilExchanged(action, acting);
    case 'until-assigned':
      return untilAssigned(action.identity, acting);
    case 'served':
      return mustBeServed(action.pods, acting);
    case 'run-az':
      return createCredential(action.az, acting);
  }
}

async function untilGranted(rights: readonly Right[], acting: Acting): Promise<void> {
  const { kube, signal } = acting.session;
  const reviewer = createAccessReviewer(kube);
  for (const { subject, target } of rights) {
    const who = `ServiceAccount ${keyOf(subject)}`;
    const right = `the right on ${target.names[0]}`;
    let review: NamesReview = { kind: 'refused' };
    await until(acting, {
      ms: grantedWithinMs,
      why: () =>
        review.kind === 'unanswered'
          ? `the API server does not say whether ${who} has ${right}: ${review.why ?? 'no answer'}`
          : `${who} still lacks ${right}: a webhook of the API server may refuse it`,
      async isSo() {
        acting.notify(`waiting until ${who} has the right`);
        review = await reviewTarget({ subject, target }, { reviewer, signal });
        return review.kind === 'allowed';
      },
    });
  }
}

async function untilAssigned(identity: string, acting: Acting): Promise<void> {
  let lacking: readonly string[] = [];
  const why = () =>
    `MIC has not assigned ${identity} to ${lacking.slice(0, 10).join(', ')}${lacking.length > 10 ? ' and others' : ''}: kubectl azure-pod-identity explain says why`;
  const isSo = async () => {
    const users = usersOf(await lookAtPods(acting.session), identity).filter(({ isPlaced }) => isPlaced);
    const assigned = await assignedPods(identity, acting.session);
    lacking = users.map(({ key }) => key).filter((key) => !assigned.has(key));
    if (lacking.length > 0)
      acting.notify(`waiting for MIC: ${lacking.length} of ${users.length} pods are not assigned yet`);
    return lacking.length === 0;
  };
  await until(acting, { ms: assignedWithinMs, why, isSo });
}

/** The pods whose machine has the identity by this AzureIdentity as one of type 0, as MIC has recorded. */
async function assignedPods(identity: string, { kube, signal }: Session): Promise<ReadonlySet<string>> {
  const records = await createResource<unknown>(kube, resources.AzureAssignedIdentity).list({
    signal,
    fields: wholeObject,
  });
  return new Set(
    records.flatMap((record) => {
      const parsed = parseAzureAssignedIdentity(record);
      if (!parsed.ok) return [];
      const { spec, status } = parsed.value;
      const { metadata, spec: recorded } = spec.azureIdentityRef;
      const isMeant = `${metadata.namespace ?? ''}/${metadata.name}` === identity && recorded.type === 0;
      return isMeant && status.status === 'Assigned' ? [`${spec.podNamespace}/${spec.pod}`] : [];
    }),
  );
}

/** As NMI decides, by the objects as they are now. */
async function mustBeServed(pods: readonly string[], { session, notify }: Acting): Promise<void> {
  const config = agentConfigOf(await session.services());
  if (config === undefined)
    throw new Stopped('the flags of NMI are not known: nothing can be said about what it does');
  for (const pod of pods) {
    notify(`what NMI would do for ${pod}`);
    const { kube: transport, clock, log, signal } = session;
    const reading = { config, pod, transport, clock, random: Math.random, log, signal };
    const explanation = await readNmiExplanation(reading);
    // The pod may have gone meanwhile.
    if (explanation === undefined || explanation.result.verdict === 'ok') continue;
    const reasons = explanation.findings.filter(({ verdict }) => verdict !== 'ok' && verdict !== 'info');
    throw new Stopped(
      // In one line: editors of its namespace wrote a part of the reasons.
      `pod ${pod} would get no token: ${[...reasons, explanation.result].map(({ text }) => printable(text)).join('; ')}`,
    );
  }
}

async function untilExchanged(
  { az, exchange }: Extract<Action, { kind: 'exchange' }>,
  acting: Acting,
): Promise<void> {
  acting.notify('one exchange by the broker');
  const first = await tryExchange(exchange, acting);
  if (first.code === 0) return;
  if (first.code !== 1)
    throw new Stopped(`whether Microsoft Entra gives a token is not known: ${first.output}`);
  if (az === undefined || !acting.isAzRun || !first.output.includes('federated-credential create'))
    throw new Stopped(
      `Microsoft Entra gives the broker no token for ${exchange.identity}: ${first.output}${az === undefined ? '' : `\n${azCommand(az)}`}`,
    );
  await createCredential(az, acting);
  let { output } = first;
  await until(acting, {
    ms: credentialWithinMs,
    pauseMs: betweenExchangesMs,
    why: () => `the federated credential has no effect yet: ${output}`,
    async isSo() {
      acting.notify('waiting until the federated credential has an effect, which takes minutes');
      const tried = await tryExchange(exchange, acting);
      output = tried.output;
      return tried.code === 0;
    },
  });
}

async function tryExchange(exchange: Exchange, { session }: Acting): Promise<Ended> {
  const { env, signal, kubectlWords } = session;
  return runProgram('kubectl', [...kubectlWords, ...exchangeWords(exchange)], { env, signal });
}

async function createCredential(az: readonly string[], { session, isAzRun, notify }: Acting): Promise<void> {
  if (!isAzRun)
    throw new Stopped(
      `create the federated credential, or give --run-az, then run the same command again:\n${azCommand(az)}`,
    );
  notify(azCommand(az));
  const { code, output } = await runProgram('az', az, session);
  if (code !== 0) throw new Stopped(`az failed: ${output}\n${azCommand(az)}`);
}

interface Until {
  readonly ms: number;
  readonly pauseMs?: number;
  /** What is so after that time. */
  readonly why: () => string;
  readonly isSo: () => Promise<boolean>;
}

async function until({ session }: Acting, { ms, pauseMs = 1_000, why, isSo }: Until): Promise<void> {
  const endsAt = session.clock.elapsed() + ms;
  while (!(await isSo())) {
    if (session.clock.elapsed() > endsAt)
      throw new Stopped(`waited ${Math.round(ms / 60_000)} minutes: ${why()}`);
    await session.clock.sleep(pauseMs, session.signal);
  }
}
