// What `--apply` does for a step.
import { parseAzureAssignedIdentity, resources } from '@pod-identity/crd-types';
import { printable } from '@pod-identity/kit/core';
import { createAccessReviewer, createResource, wholeObject } from '@pod-identity/kit/kube';
import { azCommand, type NamesReview } from '@pod-identity/policy';
import { keyOf } from '../cluster/fields.ts';
import { reviewTarget } from '../../../mic/src/commands/plug-in.ts';
import { readNmiExplanation } from '../../../nmi/src/commands/plug-in.ts';
import type { Session } from '../cli/command.ts';
import { agentConfigOf, readBoundPods, usersOf } from './read-identity.ts';
import type { Action, Exchange, Right } from './plan.ts';
import { writeObject, StepError } from './write-object.ts';
import { runProgram, type ProgramResult } from './programs.ts';
import { exchangeWords } from './shared-steps.ts';

export interface ActionContext {
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

/** Throws StepError if the plan cannot go on. */
export async function applyAction(action: Action, context: ActionContext): Promise<void> {
  const { kube, signal } = context.session;
  switch (action.kind) {
    case 'write':
      for (const write of action.writes) await writeObject(write, kube, signal);
      return untilGranted(action.rights ?? [], context);
    case 'exchange':
      return untilExchanged(action, context);
    case 'until-assigned':
      return untilAssigned(action.identity, context);
    case 'served':
      return mustBeServed(action.pods, context);
    case 'run-az':
      return createCredential(action.az, context);
  }
}

async function untilGranted(rights: readonly Right[], context: ActionContext): Promise<void> {
  const { kube, signal } = context.session;
  const reviewer = createAccessReviewer(kube);
  for (const { subject, target } of rights) {
    const who = `ServiceAccount ${keyOf(subject)}`;
    const right = `the right on ${target.names[0]}`;
    let review: NamesReview = { kind: 'refused' };
    await until(context, {
      ms: grantedWithinMs,
      why: () =>
        review.kind === 'unanswered'
          ? `the API server does not say whether ${who} has ${right}: ${review.why ?? 'no answer'}`
          : `${who} still lacks ${right}: a webhook of the API server may refuse it`,
      async isSo() {
        context.notify(`waiting until ${who} has the right`);
        review = await reviewTarget({ subject, target }, { reviewer, signal });
        return review.kind === 'allowed';
      },
    });
  }
}

async function untilAssigned(identity: string, context: ActionContext): Promise<void> {
  let lacking: readonly string[] = [];
  const why = () =>
    `MIC has not assigned ${identity} to ${lacking.slice(0, 10).join(', ')}${lacking.length > 10 ? ' and others' : ''}: kubectl azure-pod-identity explain says why`;
  const isSo = async () => {
    const users = usersOf(await readBoundPods(context.session), identity).filter(({ isPlaced }) => isPlaced);
    const assigned = await assignedPods(identity, context.session);
    lacking = users.map(({ key }) => key).filter((key) => !assigned.has(key));
    if (lacking.length > 0)
      context.notify(`waiting for MIC: ${lacking.length} of ${users.length} pods are not assigned yet`);
    return lacking.length === 0;
  };
  await until(context, { ms: assignedWithinMs, why, isSo });
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
async function mustBeServed(pods: readonly string[], { session, notify }: ActionContext): Promise<void> {
  const config = agentConfigOf(await session.services());
  if (config === undefined)
    throw new StepError('the flags of NMI are not known: nothing can be said about what it does');
  for (const pod of pods) {
    notify(`what NMI would do for ${pod}`);
    const { kube: transport, clock, log, signal } = session;
    const reading = { config, pod, transport, clock, random: Math.random, log, signal };
    const explanation = await readNmiExplanation(reading);
    // The pod may have gone meanwhile.
    if (explanation === undefined || explanation.result.verdict === 'ok') continue;
    const reasons = explanation.findings.filter(({ verdict }) => verdict !== 'ok' && verdict !== 'info');
    throw new StepError(
      // In one line: editors of its namespace wrote a part of the reasons.
      `pod ${pod} would get no token: ${[...reasons, explanation.result].map(({ text }) => printable(text)).join('; ')}`,
    );
  }
}

async function untilExchanged(
  { az, exchange }: Extract<Action, { kind: 'exchange' }>,
  context: ActionContext,
): Promise<void> {
  context.notify('one exchange by the broker');
  const first = await tryExchange(exchange, context);
  if (first.code === 0) return;
  if (first.code !== 1)
    throw new StepError(`whether Microsoft Entra gives a token is not known: ${first.output}`);
  if (az === undefined || !context.isAzRun || !first.output.includes('federated-credential create'))
    throw new StepError(
      `Microsoft Entra gives the broker no token for ${exchange.identity}: ${first.output}${az === undefined ? '' : `\n${azCommand(az)}`}`,
    );
  await createCredential(az, context);
  let { output } = first;
  await until(context, {
    ms: credentialWithinMs,
    pauseMs: betweenExchangesMs,
    why: () => `the federated credential has no effect yet: ${output}`,
    async isSo() {
      context.notify('waiting until the federated credential has an effect, which takes minutes');
      const tried = await tryExchange(exchange, context);
      output = tried.output;
      return tried.code === 0;
    },
  });
}

async function tryExchange(exchange: Exchange, { session }: ActionContext): Promise<ProgramResult> {
  const { env, signal, kubectlWords } = session;
  return runProgram('kubectl', [...kubectlWords, ...exchangeWords(exchange)], { env, signal });
}

async function createCredential(
  az: readonly string[],
  { session, isAzRun, notify }: ActionContext,
): Promise<void> {
  if (!isAzRun)
    throw new StepError(
      `create the federated credential, or give --run-az, then run the same command again:\n${azCommand(az)}`,
    );
  notify(azCommand(az));
  const { code, output } = await runProgram('az', az, session);
  if (code !== 0) throw new StepError(`az failed: ${output}\n${azCommand(az)}`);
}

interface Until {
  readonly ms: number;
  readonly pauseMs?: number;
  /** What is so after that time. */
  readonly why: () => string;
  readonly isSo: () => Promise<boolean>;
}

async function until({ session }: ActionContext, { ms, pauseMs = 1_000, why, isSo }: Until): Promise<void> {
  const endsAt = session.clock.elapsed() + ms;
  while (!(await isSo())) {
    if (session.clock.elapsed() > endsAt)
      throw new StepError(`waited ${Math.round(ms / 60_000)} minutes: ${why()}`);
    await session.clock.sleep(pauseMs, session.signal);
  }
}
