// What Azure says to the user's own `az`, which only reads here: identities, federated credentials, and the roles of MIC.
import { canonicalResourceId, type ResourceId } from '@pod-identity/crd-types';
import { createLimit } from '@pod-identity/kit/core';
import { readRecords, type Permission } from '../../../mic/src/commands/plug-in.ts';
import type { Session } from '../cli/command.ts';
import { listAt, textAt, textsAt } from '../cluster/fields.ts';
import { itemsOf, type Known } from '../cluster/lists.ts';
import { ownOf } from '../cluster/services.ts';
import { runProgram } from '../migrate/programs.ts';
import { azureIdOf, lackingCredential, subscriptionOf } from './check-identities.ts';
import type { AzureFacts, AzureIdentityFacts, DoctorFacts, IdentityFacts } from './facts.ts';

/** Editors name any subscriptions in AzureIdentities, and each costs a call. */
const mostSubscriptions = 10;
const mostCredentials = 20;
const atATime = 4;
const patienceMs = 30_000;

/** Of all calls together: the other checks are to be printed before the command's deadline. */
const patienceInAllMs = 60_000;

/** Undefined: Azure does not say. */
type Az = (...words: readonly string[]) => Promise<readonly unknown[] | undefined>;

/** `facts`: all that the cluster says. */
export async function readAzure(facts: DoctorFacts, session: Session): Promise<AzureFacts> {
  const unknown: string[] = [];
  const az = openAz(session, unknown);
  const atMost = <T>(most: number, all: readonly T[], what: string): readonly T[] => {
    if (all.length > most) unknown.push(`only ${most} of ${all.length} ${what} were looked at`);
    return all.slice(0, most);
  };
  const looked = atMost(mostSubscriptions, subscriptionsOf(facts), 'subscriptions');
  const lists = await listEach(looked, (one) => az('identity', 'list', ...inSubscription(one)));
  const identities = [...lists.values()].flat().map(readIdentity);
  const listed = new Set(lists.keys());
  const lacking = inTurns(lackingCredential(facts), (one) => azureIdOf(one, { identities }) ?? []);
  const [credentials, roles] = await Promise.all([
    readCredentials(
      atMost(mostCredentials, lacking, 'identities whose federated credential a pod has missed'),
      az,
    ),
    readRoles(facts, { session, az, subscriptions: [...listed], unknown }),
  ]);
  return { identities, listed, credentials, ...(roles && { roles }), unknown };
}

/** Only those of which Azure says something. */
async function listEach(
  names: readonly string[],
  list: (name: string) => ReturnType<Az>,
): Promise<ReadonlyMap<string, readonly unknown[]>> {
  const lists = await Promise.all(names.map(async (one) => [one, await list(one)] as const));
  return new Map(lists.flatMap(([one, found]) => (found === undefined ? [] : [[one, found] as const])));
}

/** Of the hosts, then of the AzureIdentities. '' is that of the login, for identities that are named by their client id. */
function subscriptionsOf({ identities, nodes }: DoctorFacts): readonly string[] {
  const hosts = itemsOf(nodes).flatMap(({ host }) => host?.id ?? []);
  const named = inTurns(itemsOf(identities), subscriptionNamed);
  return [...new Set([...hosts.map(subscriptionOf), ...named])];
}

/** The first of each namespace, then the second of each, so that no editor takes the room of others. */
function inTurns<T>(
  identities: readonly IdentityFacts[],
  of: (identity: IdentityFacts) => T | readonly T[],
): readonly T[] {
  const turns = [...Map.groupBy(identities, ({ namespace }) => namespace).values()].flatMap((own) =>
    Array.from(new Set(own.flatMap(of)), (item, turn) => ({ item, turn })),
  );
  return [...new Set(turns.toSorted((one, other) => one.turn - other.turn).map(({ item }) => item))];
}

function subscriptionNamed(identity: IdentityFacts): string | readonly string[] {
  const id = azureIdOf(identity);
  if (id !== undefined) return subscriptionOf(id);
  return identity.type === 3 ? '' : [];
}

/** One word: an editor may have written the subscription. */
const inSubscription = (one: string) => (one === '' ? [] : [`--subscription=${one}`]);

/** Each call has a deadline: az waits for networks. What it does not say is added to `unknown`. */
function openAz({ env, signal }: Session, unknown: string[]): Az {
  const limit = createLimit(atATime);
  const inAll = AbortSignal.any([signal, AbortSignal.timeout(patienceInAllMs)]);
  const call = async (words: readonly string[]): Promise<Known<readonly unknown[]>> => {
    const deadline = AbortSignal.any([inAll, AbortSignal.timeout(patienceMs)]);
    try {
      const all = [...words, '--only-show-errors', '--output=json'];
      const { code, output } = await runProgram('az', all, { env, signal: deadline });
      if (code !== 0) return { unknown: output.split('\n')[0] ?? '' };
      const value: unknown = JSON.parse(output);
      return Array.isArray(value) ? { value } : { unknown: 'it printed no list' };
    } catch {
      signal.throwIfAborted();
      return {
        unknown: `it printed no list within ${patienceMs / 1000} s, or ${patienceInAllMs / 1000} s for all`,
      };
    }
  };
  return async (...words) => {
    const result = await limit(() => call(words));
    if ('value' in result) return result.value;
    unknown.push(`az ${words.join(' ')}: ${result.unknown}`);
    return undefined;
  };
}

function readIdentity(object: unknown): AzureIdentityFacts {
  return { id: canonicalResourceId(textAt(object, 'id')), clientId: textAt(object, 'clientId') };
}

async function readCredentials(ids: readonly ResourceId[], az: Az): Promise<AzureFacts['credentials']> {
  const lists = ids.map(async (id) => {
    const [, , subscription = '', , group = '', , , , name = ''] = id.split('/');
    const words = [`--resource-group=${group}`, `--identity-name=${name}`, ...inSubscription(subscription)];
    const found = (await az('identity', 'federated-credential', 'list', ...words)) ?? [];
    const trusted = found.map((one) => ({
      issuer: textAt(one, 'issuer'),
      subject: textAt(one, 'subject'),
      audiences: textsAt(one, 'audiences'),
    }));
    return [id, trusted] as const;
  });
  return new Map(await Promise.all(lists));
}

interface ReadingRoles {
  readonly session: Session;
  readonly az: Az;
  readonly subscriptions: readonly string[];
  readonly unknown: string[];
}

/** Undefined: who MIC is in Azure, or what its roles permit, is not known. */
async function readRoles(
  { services }: DoctorFacts,
  { session, az, subscriptions, unknown }: ReadingRoles,
): Promise<AzureFacts['roles']> {
  const { kube: transport, log, signal } = session;
  const [mic] = ownOf(services.mic);
  if (mic === undefined) return undefined;
  const written = await readRecords({ transport, rules: mic, log, signal });
  const { micPrincipalId: principalId } = written ?? {};
  if (principalId === undefined) {
    unknown.push('who MIC is in Azure: it has not written that down, or you may not read it');
    return undefined;
  }
  const lists = await listEach(subscriptions.filter(Boolean), (one) =>
    az('role', 'assignment', 'list', `--assignee=${principalId}`, '--all', ...inSubscription(one)),
  );
  const assigned = [...lists.values()].flat();
  const names = new Set(assigned.map((one) => textAt(one, 'roleDefinitionName')));
  const definitions = await readDefinitions([...names], az);
  // With a part of its roles it would seem to lack the others.
  if (definitions === undefined) return undefined;
  const assignments = assigned.map((one) => ({
    scope: canonicalResourceId(textAt(one, 'scope')),
    permissions: definitions.get(textAt(one, 'roleDefinitionName')) ?? [],
  }));
  return { principalId, assignments, listed: new Set(lists.keys()) };
}

async function readDefinitions(
  names: readonly string[],
  az: Az,
): Promise<ReadonlyMap<string, readonly Permission[]> | undefined> {
  const read = await listEach(names, (name) => az('role', 'definition', 'list', `--name=${name}`));
  if (read.size < names.length) return undefined;
  const permissionsOf = (found: readonly unknown[]) =>
    found.flatMap((one) => listAt(one, 'permissions').map(readPermission));
  return new Map(Array.from(read, ([name, found]) => [name, permissionsOf(found)]));
}

const readPermission = (entry: unknown): Permission => ({
  actions: textsAt(entry, 'actions'),
  notActions: textsAt(entry, 'notActions'),
});
