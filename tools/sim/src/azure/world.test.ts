import { describe, expect, test } from 'vitest';
import { createWorld } from './world.ts';

const group = '/subscriptions/sub/resourceGroups/group';
const pool = `${group}/providers/Microsoft.Compute/virtualMachineScaleSets/pool`;
const vm = `${group}/providers/Microsoft.Compute/virtualMachines/vm`;
const identity = `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/a`;

function newWorld() {
  let ids = 0;
  return createWorld({ now: () => 0, newId: () => `id-${String((ids += 1))}`, tenantId: 'tenant' });
}

describe('the world', () => {
  test('a scale set has machines numbered from 0; those of a uniform one share its identities', () => {
    const world = newWorld();
    world.addIdentity({ resourceId: identity });
    world.addScaleSet({ id: pool, instances: 2, identities: [identity] });
    expect(world.machines()).toEqual([
      { name: 'pool_0', hostId: pool },
      { name: 'pool_1', hostId: pool },
    ]);
    world.scale(pool, 1);
    expect(world.host(pool).machines).toEqual(['pool_0']);
  });

  test('an instance of a flexible scale set is a virtual machine that starts with the identities of the model', () => {
    const world = newWorld();
    world.addIdentity({ resourceId: identity });
    world.addScaleSet({ id: pool, instances: 1, flexible: true });
    const instance = (name: string) => `${group}/providers/Microsoft.Compute/virtualMachines/${name}`;
    world.attach(pool, identity);
    world.scale(pool, 2);
    expect(world.machines()).toEqual([
      { name: 'pool_0', hostId: instance('pool_0') },
      { name: 'pool_1', hostId: instance('pool_1') },
    ]);
    expect(world.attachedTo(instance('pool_0'))).toEqual([]);
    expect(world.attachedTo(instance('pool_1'))).toEqual([identity.toLowerCase()]);
    world.scale(pool, 1);
    expect(world.hostRecord(instance('pool_1'))).toBeUndefined();
  });

  test('ids are case-insensitive and keep their spelling', () => {
    const world = newWorld();
    world.addIdentity({ resourceId: identity });
    world.addVirtualMachine({ id: vm, identities: [identity.toUpperCase()] });
    expect(world.identity(identity.toUpperCase()).resourceId).toBe(identity);
    expect(Object.keys(world.host(vm.toUpperCase()).identity.userAssignedIdentities)).toEqual([
      identity.toUpperCase(),
    ]);
  });

  test('a manual edit reaches ARM and the machines at once; wiping keeps the system assigned identity', () => {
    const world = newWorld();
    world.addIdentity({ resourceId: identity });
    world.addVirtualMachine({ id: vm, systemAssigned: true });
    world.attach(vm, identity);
    expect(world.host(vm).identity.type).toBe('SystemAssigned, UserAssigned');
    expect(world.hostRecord(vm)?.effective.attached.size).toBe(1);
    world.detach(vm, identity);
    world.attach(vm, identity);
    world.wipeIdentities(vm);
    expect(world.host(vm).identity).toMatchObject({ type: 'SystemAssigned', userAssignedIdentities: {} });
    expect(world.hostRecord(vm)?.effective.attached.size).toBe(0);
  });

  test('until resolves at the change that makes its predicate true, not before', async () => {
    const world = newWorld();
    world.addIdentity({ resourceId: identity });
    world.addVirtualMachine({ id: vm });
    let attached = false;
    const waiting = world
      .until(() => world.attachedTo(vm).length > 0)
      .then(() => {
        attached = true;
      });
    world.setProvisioningState(vm, 'Updating');
    await Promise.resolve();
    expect(attached).toBe(false);
    world.attach(vm, identity);
    await waiting;
    await world.until((seen) => seen.host(vm).identity.type === 'UserAssigned');
  });

  test.each<[says: string, mistake: (world: ReturnType<typeof newWorld>) => unknown, message: RegExp]>([
    [
      'an identity twice',
      (world) => world.addIdentity({ resourceId: identity.toUpperCase() }),
      /already has/,
    ],
    ['an identity id of something else', (world) => world.addIdentity({ resourceId: vm }), /not the id/],
    ['an unknown identity', (world) => world.identity(`${identity}x`), /no managed identity/],
    ['an unknown identity attached', (world) => world.attach(vm, `${identity}x`), /no managed identity/],
    ['an unknown identity deleted', (world) => world.deleteIdentity(`${identity}x`), /no managed identity/],
    ['a host twice', (world) => world.addVirtualMachine({ id: vm }), /already has/],
    ['a host id of another type', (world) => world.addVirtualMachine({ id: pool }), /not the id/],
    ['an unknown host', (world) => world.host(pool), /no host/],
    [
      'two machines of one name',
      (world) => world.addVirtualMachine({ id: vm.replace('group/', 'other/') }),
      /would be called vm/,
    ],
    ['a vault twice', (world) => world.addVault({ name: 'vault' }), /already has/],
    ['an unknown vault', (world) => world.allowRead('other', 'x'), /no vault/],
  ])('a mistake in a test is refused at once: %s', (_, mistake, message) => {
    const world = newWorld();
    world.addIdentity({ resourceId: identity });
    world.addVirtualMachine({ id: vm });
    world.addVault({ name: 'vault' });
    expect(() => mistake(world)).toThrow(message);
  });
});
