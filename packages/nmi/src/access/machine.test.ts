import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it, vi } from 'vitest';
import { createMachine } from './machine.ts';

const subject = { namespace: 'kube-system', name: 'cni' };
const scaleSet = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachineScaleSets/pool';

const stage = () => {
  const clock = createFakeClock(60_000);
  const readId = vi.fn<() => Promise<string | undefined>>(() =>
    Promise.resolve(`${scaleSet}/virtualMachines/3`),
  );
  return { clock, readId, machine: createMachine(readId, clock) };
};

it('is the scale set of an instance, with its group and subscription', async () => {
  const { machine, readId } = stage();
  expect(machine.known(subject)).toBeUndefined();
  const id = scaleSet.toLowerCase();
  const expected = [
    {
      subject,
      target: { resource: 'machines', names: [id, '/subscriptions/s/resourcegroups/g', '/subscriptions/s'] },
      key: `cni machines ${id}`,
    },
  ];
  await expect(machine.read(subject)).resolves.toEqual(expected);
  expect(machine.known(subject)).toEqual(expected);
  expect(readId).toHaveBeenCalledTimes(1);
});

it('that cannot be read is none, and is read again after 5 s', async () => {
  const { machine, readId, clock } = stage();
  readId.mockRejectedValue(new Error('no answer'));
  await expect(machine.read(subject)).resolves.toBeUndefined();
  await expect(machine.read(subject)).resolves.toBeUndefined();
  expect(readId).toHaveBeenCalledTimes(1);
  readId.mockResolvedValue('/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/x');
  await clock.advance(5_000);
  await expect(machine.read(subject)).resolves.toBeUndefined();
  expect(readId).toHaveBeenCalledTimes(2);
});

it('is read again after ten minutes, and kept when that fails', async () => {
  const { machine, readId, clock } = stage();
  await machine.read(subject);
  readId.mockResolvedValue(undefined);
  await clock.advance(599_999);
  machine.known(subject);
  await clock.advance(0);
  expect(readId).toHaveBeenCalledTimes(1);
  await clock.advance(1);
  expect(machine.known(subject)).toHaveLength(1);
  await clock.advance(0);
  expect(readId).toHaveBeenCalledTimes(2);
  expect(machine.known(subject)).toHaveLength(1);
});
