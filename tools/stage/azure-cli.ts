// What `az` does, in the simulated Azure: the commands that our programs and pages print. Everything else is refused, as az does.
import { roleDefinitions, type Role, type World } from '@pod-identity/sim';
import * as names from './names.ts';
import type { StandInEnd } from './stand-in.ts';

/** The values of each option, without its dashes. */
export type AzureOptions = Readonly<Record<string, readonly string[]>>;

/** Returns what az prints as JSON; throws what it prints as an error. */
export type AzureCommand = (options: AzureOptions) => unknown;

/** @param more Further commands, by their words. */
export function azureCli(
  world: World,
  more: Readonly<Record<string, AzureCommand>> = {},
): (words: readonly string[]) => StandInEnd {
  const commands = { ...commandsOf(world), ...more };
  return (words) => {
    const at = words.findIndex((word) => word.startsWith('--'));
    const name = words.slice(0, at < 0 ? words.length : at).join(' ');
    const options = optionsIn(words.slice(name.split(' ').length));
    const command = commands[name];
    if (command === undefined) throw new Error(`'${words.join(' ')}' is not a command of this az`);
    const { query: [query] = [], output: [format = 'json'] = [], ...given } = options;
    const found = query === undefined ? command(given) : queried(query, command(given));
    return { code: 0, output: printed(found, format), errors: '' };
  };
}

function commandsOf(world: World): Readonly<Record<string, AzureCommand>> {
  const identity = (options: AzureOptions) => identityBody(world, identityId(options));
  return {
    'account show': () => ({ id: names.subscription, tenantId: names.tenant }),
    'identity create': (options) => {
      const resourceId = identityId(options);
      if (world.findIdentity(resourceId) === undefined)
        world.addIdentity({ resourceId, tenantId: names.tenant });
      return identity(options);
    },
    'identity show': identity,
    'identity list': ({ subscription }) =>
      world
        .identities()
        .map(({ resourceId }) => identityBody(world, resourceId))
        .filter(({ id }) => id.includes(`/subscriptions/${only(subscription) || names.subscription}/`)),
    ...credentialCommands(world),
    ...roleCommands(world),
    'lock list': (options) => {
      const group = groupId(options).toLowerCase();
      return world.locks().filter(({ scope }) => scope.toLowerCase() === group);
    },
    'lock delete': ({ ids = [] }) => {
      if (ids.length === 0) throw new Error('the following arguments are required: --ids');
      for (const id of ids) world.unlock(id);
    },
  };
}

function credentialCommands(world: World): Readonly<Record<string, AzureCommand>> {
  const clientOf = ({ 'identity-name': name = [], ...group }: AzureOptions) =>
    world.identity(identityId({ ...group, name })).clientId;
  return {
    'identity federated-credential create': (options) => {
      const [issuer, subject, audience] = ['issuer', 'subject', 'audiences'].map((key) =>
        required(options, key),
      ) as [string, string, string];
      required(options, 'name');
      world.addFederatedCredential(clientOf(options), { issuer, subject, audience });
    },
    'identity federated-credential list': (options) =>
      world
        .federatedCredentials(clientOf(options))
        .map(({ issuer, subject, audience }) => ({ issuer, subject, audiences: [audience] })),
  };
}

function roleCommands(world: World): Readonly<Record<string, AzureCommand>> {
  return {
    'role assignment create': (options) => {
      const [principal, role, scope] = ['assignee-object-id', 'role', 'scope'].map((key) =>
        required(options, key),
      ) as [string, string, string];
      if (!isRole(role)) throw new Error(`this az does not know the role ${role}`);
      world.grant(principal, role, scope);
    },
    'role definition list': (options) => {
      const name = required(options, 'name');
      if (!isRole(name)) return [];
      const { actions, notActions } = roleDefinitions[name];
      return [{ roleName: name, permissions: [{ actions, notActions }] }];
    },
    'role assignment list': (options) =>
      world
        .assignments()
        .filter(({ principalId }) => principalId === required(options, 'assignee'))
        .map(({ role, scope, principalId }) => ({ roleDefinitionName: role, scope, principalId })),
  };
}

const isRole = (name: string): name is Role => Object.hasOwn(roleDefinitions, name);

function identityBody(world: World, resourceId: string) {
  const { resourceId: id, clientId, principalId, tenantId } = world.identity(resourceId);
  return {
    id,
    clientId,
    principalId,
    tenantId,
    resourceGroup: id.split('/')[4] ?? '',
    name: id.split('/')[8] ?? '',
  };
}

const only = (values: readonly string[] | undefined): string => values?.[0] ?? '';

function required(options: AzureOptions, key: string): string {
  const value = only(options[key]);
  if (value === '') throw new Error(`the following arguments are required: --${key}`);
  return value;
}

const groupId = (options: AzureOptions): string =>
  `/subscriptions/${only(options['subscription']) || names.subscription}/resourceGroups/${required(options, 'resource-group')}`;

/** By --ids, or by group and name. */
const identityId = (options: AzureOptions): string =>
  only(options['ids']) ||
  `${groupId(options)}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${required(options, 'name')}`;

/** Values follow the option, or an equals sign. */
function optionsIn(words: readonly string[]): AzureOptions {
  const options: Record<string, string[]> = {};
  let values: string[] = [];
  for (const word of words) {
    const [, name, value] = /^--([\w-]+)(?:=([^]*))?$/.exec(word) ?? [];
    if (name === undefined) values.push(word);
    else options[name] = values = value === undefined ? [] : [value];
  }
  return options;
}

/** Of JMESPath: a path of fields, and a list's items with one value, reduced to a field or a list of fields. */
function queried(query: string, value: unknown): unknown {
  const [, key = '', wanted, field, fields] =
    /^\[\?(\w+)==[`']([^`']*)[`']\]\.(?:(\w+)|\[([\w,]+)\])$/.exec(query) ?? [];
  if (wanted !== undefined) {
    const items = (value as readonly Record<string, unknown>[]).filter((item) => item[key] === wanted);
    return items.map((item) =>
      field === undefined ? (fields ?? '').split(',').map((name) => item[name]) : item[field],
    );
  }
  if (!/^[\w.]+$/.test(query)) throw new Error(`this az does not know the query ${query}`);
  return query
    .split('.')
    .reduce<unknown>((inner, name) => (inner as Record<string, unknown> | undefined)?.[name], value);
}

function printed(value: unknown, format: string): string {
  if (value === undefined) return '';
  if (format === 'json') return `${JSON.stringify(value)}\n`;
  if (format !== 'tsv') throw new Error(`this az does not print ${format}`);
  const rows = Array.isArray(value) ? (value as readonly unknown[]) : [value];
  return rows.map((row) => `${Array.isArray(row) ? row.join('\t') : String(row)}\n`).join('');
}
