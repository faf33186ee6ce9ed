import { describe, expect, test } from 'vitest';
import { ImdsError } from './errors.ts';
import { readInstance } from './instance.ts';

const read = (body: unknown, status = 200, requestId: string | null = null) => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = { status, retryAfter: null, requestId, body: text };
  return readInstance(answer, { now: 0, parseDate: Date.parse });
};

// As in the documentation of the service, shortened.
const document = {
  compute: {
    azEnvironment: 'AzurePublicCloud',
    location: 'westus',
    name: 'examplevmname',
    osType: 'Linux',
    resourceGroupName: 'macikgo-test-may-23',
    resourceId: '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/examplevmname',
    subscriptionId: 's',
    tags: 'azsecpack:nonprod;owner:a:b',
    tagsList: [
      { name: 'azsecpack', value: 'nonprod' },
      { name: 'owner', value: 'a:b' },
      { name: '__proto__', value: 'x' },
      { name: 5 },
      { name: 'count', value: 5 },
      { name: 5, value: 'x' },
      null,
    ],
    vmId: 'v',
    vmScaleSetName: '',
    vmSize: 'Standard_A3',
    zone: 1,
  },
  network: { interface: [] },
};

describe('the metadata of an instance', () => {
  test('is read from the documented response; an empty field, and one that is no text, is absent', () => {
    expect(read(document)).toStrictEqual({
      compute: {
        azEnvironment: 'AzurePublicCloud',
        location: 'westus',
        name: 'examplevmname',
        osType: 'Linux',
        resourceGroupName: 'macikgo-test-may-23',
        resourceId: document.compute.resourceId,
        subscriptionId: 's',
        vmId: 'v',
        vmSize: 'Standard_A3',
        tags: new Map([
          ['azsecpack', 'nonprod'],
          ['owner', 'a:b'],
          ['__proto__', 'x'],
        ]),
      },
      document,
    });
  });

  test.each(['', '<html>', '[]', 'null', '{}', '{"compute":[]}', '{"compute":null}', '{"compute":"x"}'])(
    'is not guessed from %j',
    (body) => {
      const error = { code: 'invalid-response', status: 200, requestId: 'id-1' };
      expect(read(body, 200, 'id-1')).toMatchObject(error);
    },
  );

  test('that NMI does not give is denied', () => {
    const error = read({ error: 'forbidden', error_description: 'blocked' }, 403);
    expect(error).toBeInstanceOf(ImdsError);
    expect(error).toMatchObject({ code: 'denied', message: 'the endpoint answered 403 forbidden: blocked' });
  });
});
