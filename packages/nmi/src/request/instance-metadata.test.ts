import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blockedPart, isMachineData, withoutMachineData } from './instance-metadata.ts';
import { routeOf } from './routes.ts';

const instance = new Set(['instance', 'versions']);
const everything = new Set([...instance, 'userdata', 'customdata']);
const routed = (target: string) => {
  const route = routeOf(target);
  if (route.kind !== 'metadata') throw new Error(`${target} is no metadata`);
  return route;
};
const secret = 'cGFzc3dvcmQ=';
const compute = { name: 'vm', userData: secret, customData: secret, tagsList: [{ name: 'a', value: 'b' }] };
const shown = (target: string, body: unknown, allowed = instance) =>
  withoutMachineData(
    routed(target),
    Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    allowed,
  )?.toString();

describe('user data and custom data of the machine', () => {
  it.each([
    '/metadata/instance/compute/userData?api-version=2021-01-01&format=text',
    '/metadata/instance/compute/USERDATA/',
    '/METADATA//instance//compute//userdata',
    '/metadata/instance/compute/userData/more',
    '/metadata/instance/compute/customData?format=text',
  ])('is not asked for: %s', (target) => {
    expect(blockedPart(routed(target), instance)).toMatch(/^(userdata|customdata)$/);
    expect(blockedPart(routed(target), everything)).toBeUndefined();
  });

  it('is a part of its own, which a refusal names by its place below instance/compute', () => {
    expect(
      ['userdata', 'customdata', 'instance', 'versions'].filter((part) => isMachineData(part as 'instance')),
    ).toEqual(['userdata', 'customdata']);
  });

  it('is nowhere but in the instance metadata', () => {
    expect(blockedPart(routed('/metadata/versions/userData'), instance)).toBeUndefined();
  });

  it('may be opened one by one', () => {
    const allowed = new Set(['instance', 'userdata']);
    expect(blockedPart(routed('/metadata/instance/compute/userData'), allowed)).toBeUndefined();
    expect(blockedPart(routed('/metadata/instance/compute/customData'), allowed)).toBe('customdata');
    expect(shown('/metadata/instance/compute', compute, allowed)).toContain('userData');
    expect(shown('/metadata/instance/compute', compute, allowed)).not.toContain('customData');
  });

  it.each([
    ['/metadata/instance?api-version=2021-02-01', { compute, network: { interface: [] } }],
    ['/Metadata/Instance', { compute: { ...compute, USERDATA: secret } }],
    ['/metadata/instance/compute', compute],
    ['/metadata/instance/Compute', [compute]],
  ])('is taken out of the answer about all of the machine: %s', (target, body) => {
    const answer = shown(target, body) ?? '';
    expect(answer).not.toContain(secret);
    expect(answer.toLowerCase()).not.toMatch(/userdata|customdata/);
    expect(answer).toContain('"name":"vm"');
  });

  it('leaves every other answer as it is, byte for byte', () => {
    const text = '{ "compute": { "name":  "vm" } }';
    expect(shown('/metadata/instance', text)).toBe(text);
    expect(shown('/metadata/instance/compute/name?format=text', secret)).toBe(secret);
    expect(shown('/metadata/instance/network', '{"userData":1}')).toBe('{"userData":1}');
    expect(shown('/metadata/instance', { compute }, everything)).toContain(secret);
    const line = `userData=${secret}`;
    expect(shown('/metadata/instance/compute?format=text', line, everything)).toBe(line);
  });

  it('an answer that is neither JSON nor a list of names is not passed on', () => {
    expect(shown('/metadata/instance/compute?format=text', 'name\nuserData\ntagsList/')).toContain('name');
    expect(shown('/metadata/instance/compute?format=text', `userData=${secret}`)).toBeUndefined();
    expect(shown('/metadata/instance/compute?format=text', `name\nuserData=${secret}`)).toBeUndefined();
    expect(shown('/metadata/instance', `{"compute":{"userData":"${secret}"`)).toBeUndefined();
  });

  it.each([`"${secret}"`, '7', ' null'])('JSON that is no document is not passed on: %s', (text) => {
    expect(shown('/metadata/instance', text)).toBeUndefined();
  });

  it('no document with the data in it anywhere lets it through', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom('userData', 'CustomData', 'USERDATA'), (json, name) => {
        const around: unknown = JSON.parse(json);
        const body = { a: around, b: [{ [name]: secret, c: { [name]: { deep: secret } } }] };
        expect(shown('/metadata/instance', body)).not.toContain(secret);
      }),
    );
  });
});
