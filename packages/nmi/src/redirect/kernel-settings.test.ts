import { expect, it } from 'vitest';
import { createKernelFiles, prepareKernel, restoreKernel, type KernelFiles } from './kernel-settings.ts';

const local = { metadata: { host: '169.254.169.254', port: 80 }, listen: { host: '127.0.0.1', port: 2579 } };
const elsewhere = { ...local, listen: { host: '10.240.0.4', port: 2579 } };
const routeLocalnet = '/proc/sys/net/ipv4/conf/all/route_localnet';
const migrate = '/proc/sys/net/ipv4/tcp_migrate_req';
const note = '/proc/sys/net/ipv4/conf/lo/tag';
const asFound = { [routeLocalnet]: '0\n', [migrate]: '0\n', [note]: '0\n' };

const kernel = (files: Record<string, string>, isWritable = true) => {
  const door: KernelFiles = {
    read: (path) => Promise.resolve(files[path]),
    write: (path, text) => {
      if (!isWritable || files[path] === undefined) return Promise.reject(new Error('EROFS'));
      files[path] = `${text}\n`;
      return Promise.resolve();
    },
  };
  return { door, files };
};

it('turns on what a listener on a loopback address needs', async () => {
  const { door, files } = kernel({ ...asFound });
  await expect(prepareKernel(local, door)).resolves.toBeUndefined();
  expect(files).toEqual({ [routeLocalnet]: '2\n', [migrate]: '1\n', [note]: '2579\n' });
});

it('puts back what it has set, also after many starts, and then has nothing to put back', async () => {
  const { door, files } = kernel({ ...asFound });
  await expect(restoreKernel(door)).resolves.toBe(false);
  for (const target of [local, local, elsewhere, local]) await prepareKernel(target, door);
  await expect(restoreKernel(door)).resolves.toBe(true);
  expect(files).toEqual(asFound);
  await expect(restoreKernel(door)).resolves.toBe(false);
});

it.each([
  ['was on before', { [routeLocalnet]: '1\n', [migrate]: '1\n', [note]: '0\n' }, {}],
  ['another program needs, too, and has set since', asFound, { [routeLocalnet]: '1\n' }],
  ['another program has reset since', asFound, { [routeLocalnet]: '0\n' }],
])('leaves what %s', async (_, before, since) => {
  const { door, files } = kernel({ ...before });
  await prepareKernel(local, door);
  Object.assign(files, since);
  await restoreKernel(door);
  expect(files).toEqual({ ...before, ...since });
});

it('does not set what it could not put back: another program uses the note', async () => {
  const { door, files } = kernel({ ...asFound, [note]: '7\n' });
  await expect(prepareKernel(local, door)).resolves.toBeUndefined();
  expect(files).toEqual({ [routeLocalnet]: '2\n', [migrate]: '0\n', [note]: '7\n' });
  await restoreKernel(door);
  expect(files).toEqual({ ...asFound, [note]: '7\n' });
});

it('does without settings that the kernel does not have', async () => {
  const { door, files } = kernel({ [routeLocalnet]: '0\n' });
  await expect(prepareKernel(local, door)).resolves.toBeUndefined();
  await expect(restoreKernel(door)).resolves.toBe(true);
  expect(files).toEqual({ [routeLocalnet]: '0\n' });
});

it('fails where it may not put back', async () => {
  await expect(restoreKernel(kernel({ [routeLocalnet]: '2\n' }, false).door)).rejects.toThrow('EROFS');
});

it('is content with a kernel that others have set, and one that cannot hand over connections', async () => {
  const { door } = kernel({ [routeLocalnet]: '1\n' }, false);
  await expect(prepareKernel(local, door)).resolves.toBeUndefined();
});

it('leaves the setting alone that a listener elsewhere does not need', async () => {
  const { door, files } = kernel({ [routeLocalnet]: '0\n' });
  await expect(prepareKernel(elsewhere, door)).resolves.toBeUndefined();
  expect(files[routeLocalnet]).toBe('0\n');
});

it('writes by way of the mount of the host where /proc/sys is read-only', async () => {
  const written: string[] = [];
  const files = createKernelFiles((path) => {
    if (path.startsWith('/proc/')) return Promise.reject(new Error('EROFS: read-only file system'));
    written.push(path);
    return Promise.resolve();
  });
  await files.write(routeLocalnet, '1');
  expect(written).toEqual(['/host/proc/sys/net/ipv4/conf/all/route_localnet']);
});

it('writes nowhere else where /proc/sys is writable', async () => {
  const written: string[] = [];
  const files = createKernelFiles((path) => Promise.resolve(void written.push(path)));
  await files.write(routeLocalnet, '1');
  expect(written).toEqual([routeLocalnet]);
});

it('says what to do where it may not be set', async () => {
  const { door } = kernel({ [routeLocalnet]: '0\n', [migrate]: '0\n' }, false);
  await expect(prepareKernel(local, door)).resolves.toMatch(
    /route_localnet is 0.*127\.0\.0\.1.*install-redirect.*--nmi-listen-address/,
  );
});
