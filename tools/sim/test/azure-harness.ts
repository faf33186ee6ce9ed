import { createAzure, type Azure, type AzureOptions } from '../src/azure/azure.ts';
import type { HttpHandler, HttpRequest } from '../src/http/server.ts';
import type { World } from '../src/azure/world.ts';
import { expect } from 'vitest';

export const tenantId = '11111111-1111-4111-8111-111111111111';
export const callerId = 'caller-principal';
export const group = '/subscriptions/sub/resourceGroups/group';
export const vmId = `${group}/providers/Microsoft.Compute/virtualMachines/vm`;
export const vmssId = `${group}/providers/Microsoft.Compute/virtualMachineScaleSets/pool`;
export const identityId = (name: string) =>
  `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;

export const ids = ['a', 'b', 'c'].map(identityId);
export const [a = '', b = '', c = ''] = ids;

/** A virtual machine without identities, a scale set with identity a, a vault with one secret. */
function seed(world: World): void {
  for (const resourceId of ids)
    world.addIdentity({ resourceId, clientId: `client-${resourceId.at(-1) ?? ''}` });
  world.addVirtualMachine({ id: vmId });
  world.addScaleSet({ id: vmssId, instances: 2, identities: [a] });
  world.addVault({ name: 'vault', secrets: { greeting: 'hello' }, readers: ['reader'] });
}

export const start = (options: AzureOptions = {}): Promise<Harness> => createHarness({ seed, ...options });

/** The identity block that attaches these identities. */
export const userAssigned = (...attach: string[]) => ({
  type: 'UserAssigned',
  userAssignedIdentities: Object.fromEntries(attach.map((id) => [id, {}])),
});

export const containing = (text: string): unknown => expect.stringContaining(text);
export const containingAll = (...items: string[]): unknown => expect.arrayContaining(items);

/** The error body of ARM and Key Vault. */
export const error = (code: string, message?: unknown) => ({
  error: { code, message: message ?? (expect.any(String) as unknown) },
});

/** A value in a JSON response, by path. */
export type Body = Record<string, unknown> & { readonly error?: unknown };

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Body;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface ArmAsk extends Ask {
  /** The owner of the token. Default: the caller with all roles. */
  readonly as?: string;
}

export interface Harness extends Azure {
  readonly world: World;
  now(): number;
  /** Advances the clock and ends due operations. */
  advance(ms: number): void;
  askArm(url: string, ask?: ArmAsk): Promise<Reply>;
  patch(hostId: string, identity: unknown, ask?: ArmAsk): Promise<Reply>;
  askImds(machine: string, query: string, ask?: Ask): Promise<Reply>;
  askEntra(form: Readonly<Record<string, string>>, tenant?: string): Promise<Reply>;
  askVault(url: string, ask?: Ask): Promise<Reply>;
}

/** The services as functions, with a clock that the test advances. */
export async function createHarness(options: AzureOptions = {}): Promise<Harness> {
  let time = Date.parse('2026-01-01T00:00:00Z');
  let ids = 0;
  let timers: { readonly at: number; readonly run: () => void }[] = [];
  const azure = await createAzure(
    {
      tenantId,
      now: () => time,
      newId: () => `00000000-0000-4000-8000-${String((ids += 1)).padStart(12, '0')}`,
      after(ms, run) {
        const timer = { at: time + ms, run };
        timers.push(timer);
        return { cancel: () => (timers = timers.filter((one) => one !== timer)) };
      },
      ...options,
    },
    { entra: () => 'https://login.test', vault: (name) => `https://${name}.vault.test` },
  );
  const arm = azure.arm(() => 'http://arm.test');
  const token = async (principalId: string) => {
    const minted = await azure.tokens.mint(
      { principalId, clientId: 'caller', tenantId },
      'https://management.azure.com/',
    );
    return `Bearer ${minted.token}`;
  };
  const askArm = async (url: string, { as = callerId, headers = {}, ...ask }: ArmAsk = {}) =>
    send(arm, url.replace('http://arm.test', ''), {
      ...ask,
      headers: { authorization: await token(as), ...headers },
    });

  return {
    ...azure,
    now: () => time,
    advance(ms) {
      time += ms;
      const due = timers.filter(({ at }) => at <= time);
      timers = timers.filter(({ at }) => at > time);
      for (const timer of due) timer.run();
    },
    askArm,
    patch: (hostId, identity, ask = {}) =>
      askArm(`${hostId}?api-version=2024-07-01`, {
        method: 'PATCH',
        body: JSON.stringify({ identity }),
        ...ask,
      }),
    askImds: (machine, query, ask = {}) =>
      send(azure.imds(machine), `/metadata/identity/oauth2/token${query}`, {
        headers: { metadata: 'true' },
        ...ask,
      }),
    askEntra: (form, tenant = tenantId) =>
      send(azure.entra, `/${tenant}/oauth2/v2.0/token`, {
        method: 'POST',
        body: new URLSearchParams(form).toString(),
      }),
    askVault: (url, ask = {}) => send(azure.vault('vault'), url, ask),
  };
}

export async function send(handle: HttpHandler, url: string, ask: Ask = {}): Promise<Reply> {
  const [path = '', query = ''] = url.split('?', 2);
  const request: HttpRequest = {
    method: ask.method ?? 'GET',
    path,
    query: new URLSearchParams(query),
    headers: ask.headers ?? {},
    body: ask.body ?? '',
    remoteAddress: '127.0.0.1',
    signal: new AbortController().signal,
  };
  const { status, headers = {}, body = {} } = await handle(request);
  return { status, headers, body: body as Body };
}
