// Room: `migrate`: where a cluster stands between the original, this project and workload identity, and the steps to go on or back, as values.
// It must not write anything, or show the commands of a step while one before it is to be done: pasted too early they would take tokens away.
import { rolesFor } from '@pod-identity/crd-types';
import { printable } from '@pod-identity/kit/core';
import type { ObjectKey, ResourceKind } from '@pod-identity/kit/kube';
import { inPlugIn, shellWord } from '@pod-identity/policy';
import { stringify } from 'yaml';
import { keyOf } from '../cluster/fields.ts';
import type { BoundPod, ReviewedRights, StoredIdentity } from './read-facts.ts';

export interface Step {
  /** For programs that read the plan. */
  readonly id: string;
  readonly title: string;
  /** `by hand`: whether it is done can't be seen in the cluster, so that those after it don't wait for it. */
  readonly state: 'done' | 'to do' | 'by hand' | 'blocked';
  /** Why it is blocked or by hand, or what was found. */
  readonly why?: string;
  /** For a shell. */
  readonly commands?: readonly string[];
}

export interface Plan {
  readonly title: string;
  readonly steps: readonly Step[];
  readonly notes: readonly string[];
  /** The way back after all steps. */
  readonly back: string;
}

/** From the options; empty if not given. */
export interface Given {
  readonly tenant: string;
  readonly clientId: string;
  readonly resourceId: string;
  /** Microsoft Entra gives a token for the federated credential. */
  readonly isCredentialThere: boolean;
  readonly isBindingRemoved: boolean;
}

export const isBlocked = ({ steps }: Plan) => steps.some(({ state }) => state === 'blocked');

const marks: Readonly<Record<Step['state'], string>> = {
  done: '✓',
  'to do': '·',
  'by hand': '…',
  blocked: '✗',
};

/** The commands of the next step alone: the same call shows those of the one after it once that is done. Those of blocked steps say how to go on. */
function untilNext(steps: readonly Step[]) {
  const next = steps.findIndex(({ state }) => state === 'to do' || state === 'blocked');
  return steps.map((step, at) => {
    const isHidden = step.state === 'done' || (next !== -1 && at > next && step.state !== 'blocked');
    return { ...step, commands: isHidden ? [] : (step.commands ?? []) };
  });
}

/** For a terminal. Commands are not indented, so that they can be pasted with the texts that they have as input. */
export function planLines({ title, steps, notes, back }: Plan): readonly string[] {
  const lines = untilNext(steps).flatMap((step, at) => [
    `${marks[step.state]} ${at + 1}. ${step.title}`,
    ...(step.why === undefined ? [] : [`      ${step.why}`]),
    ...step.commands.flatMap(linesOf),
  ]);
  return [title, ...lines, ...notes.map((note) => `note: ${note}`), `back: ${back}`];
}

/** Only objects that are its input have lines of their own: a word that an editor wrote must not look like the next command. */
const linesOf = (command: string): readonly string[] =>
  command.startsWith(applyHead) ? command.split('\n') : [printable(command)];

/** For `-o json`. */
export const planObject = ({ steps, ...plan }: Plan): object => ({ ...plan, steps: untilNext(steps) });

const applyHead = "kubectl apply -f - <<'EOF'\n";

type Target = ObjectKey & { readonly kind: ResourceKind };

export function commandOn(
  { kind: { plural, group }, namespace, name }: Target,
  verb: string,
  more = '',
): string {
  const kubectl = namespace === undefined ? 'kubectl' : `kubectl -n ${shellWord(namespace)}`;
  return `${kubectl} ${verb} ${group === '' ? plural : `${plural}.${group}`} ${shellWord(name)} ${more}`.trimEnd();
}

export const patchCommand = (target: Target, patch: object): string =>
  commandOn(target, 'patch', `--type merge --patch ${shellWord(JSON.stringify(patch))}`);

/** Why the type of an AzureIdentity can't be changed by a patch. */
export function whyNot({ problems, spec: { type }, isOfOldSpelling }: StoredIdentity): string | undefined {
  if (problems.length > 0) return `the AzureIdentity is not valid: ${problems.join('; ')}`;
  if (isOfOldSpelling) return 'it has the field names of 2018: apply it anew with those of today';
  return type === 1 || type === 2
    ? `it is of type ${type} (a service principal): remove clientPassword, auxiliaryTenantIDs and adEndpoint and set the type in one change of your own`
    : undefined;
}

/** The commands would grant rights. */
export const isMissing = (rights: ReviewedRights | undefined) =>
  rights !== undefined && rights.refused.length > 0;

/** With the roles that `access` prints too. */
export function rightsSteps(rights: ReviewedRights | undefined): readonly Step[] {
  if (rights === undefined) return [];
  const { target, refused, unknown } = rights;
  const title = `the ServiceAccounts of its pods have the right ${target.resource}/${target.names[0]}`;
  const head = { id: 'rights', title };
  if (unknown.length > 0) return [{ ...head, state: 'blocked', why: `not known: ${unknown.join('; ')}` }];
  if (refused.length === 0) return [{ ...head, state: 'done' }];
  const { objects } = rolesFor({ subjects: refused, targets: [target] });
  const input = objects.map((object) => stringify(object, { lineWidth: 0 })).join('---\n');
  const why = `missing for ${refused.map(keyOf).join(', ')}`;
  return [{ ...head, state: 'to do', why, commands: [`${applyHead}${input}EOF`] }];
}

/** One pod for each ServiceAccount. */
export function servedStep(all: readonly BoundPod[]): Step {
  const head = { id: 'served', title: 'NMI would give its pods a token' };
  const pods = [...new Map(all.map((pod) => [keyOf(pod.account), pod.key])).values()];
  if (pods.length === 0) return { ...head, state: 'done', why: 'no pod uses it' };
  const commands = pods.map((pod) => inPlugIn(`explain ${shellWord(pod)}`));
  return { ...head, state: 'by hand', why: 'each of these says so:', commands };
}
