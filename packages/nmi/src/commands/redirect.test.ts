import { createLog } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { installRedirect, uninstallRedirect } from './redirect.ts';
import { ProgramError, type RunProgram } from '../redirect/run-program.ts';

const config = {
  metadata: { host: '169.254.169.254', port: 80 },
  listen: { host: '127.0.0.1', port: 2579 },
  firewall: { everyMs: 5_000, cutsOldConnections: true },
} as const;
const missing = (program: string) => Promise.reject(new ProgramError('missing', `${program} is not there`));

/** A node with nft alone. */
const stage = () => {
  const node = {
    table: undefined as string | undefined,
    localnet: '1',
    trouble: undefined as Error | undefined,
  };
  const run: RunProgram = (program, args, input = '') => {
    if (program !== 'nft') return missing(program);
    if (node.trouble) return Promise.reject(node.trouble);
    if (args.includes('list'))
      return node.table === undefined || args.includes('chain')
        ? Promise.reject(new ProgramError('failed', 'nft failed with 1: No such file or directory', 1))
        : Promise.resolve(node.table);
    node.table = input.includes('{') ? input : undefined;
    return Promise.resolve('');
  };
  const clock = createFakeClock();
  const lines: string[] = [];
  const log = createLog({ component: 'nmi', destination: { write: (line) => lines.push(line) } });
  const files = {
    read: (path: string) => Promise.resolve(path.endsWith('route_localnet') ? node.localnet : undefined),
    write: () => Promise.reject(new Error('EROFS')),
  };
  return { clock, doors: { run, files, clock, log }, lines, node };
};

it('W-S3: install-redirect leaves the rules there, for the agent that has yet to start', async () => {
  const { doors, lines, node } = stage();
  await expect(installRedirect(config, doors)).resolves.toBe(0);
  expect(node.table).toContain('dnat to 127.0.0.1:2579');
  expect(lines.join('')).toContain('redirect rules installed');
});

it('install-redirect says what the kernel lacks; the rules are there all the same', async () => {
  const { doors, lines, node } = stage();
  node.localnet = '0';
  await expect(installRedirect(config, doors)).resolves.toBe(0);
  expect(node.table).toBeDefined();
  expect(lines.at(-1)).toContain('route_localnet');
});

it('install-redirect waits for a busy firewall, a minute and no more', async () => {
  const { clock, doors, node } = stage();
  node.trouble = new ProgramError('busy', 'Resource temporarily unavailable', 4);
  const patient = installRedirect(config, doors);
  await clock.advance(20_000);
  node.trouble = undefined;
  await clock.advance(5_000);
  await expect(patient).resolves.toBe(0);
  node.trouble = new ProgramError('busy', 'Resource temporarily unavailable', 4);
  const hopeless = installRedirect(config, doors);
  await clock.advance(60_000);
  await expect(hopeless).resolves.toBe(1);
});

it('install-redirect fails at once, with the reason, where it cannot succeed', async () => {
  const { doors, lines } = stage();
  await expect(installRedirect(config, { ...doors, run: missing })).resolves.toBe(1);
  expect(lines.at(-1)).toContain('nft is not there');
  await expect(installRedirect({ ...config, listen: { host: '::1', port: 1 } }, doors)).resolves.toBe(1);
  expect(lines.at(-1)).toContain('is not an IPv4 address');
});

it('E27 uninstall-redirect removes what is there and says so, also when there is nothing', async () => {
  const { doors, lines, node } = stage();
  await installRedirect(config, doors);
  await expect(uninstallRedirect(config, doors)).resolves.toBe(0);
  expect(node.table).toBeUndefined();
  expect(lines.join('')).toContain('redirect rules removed');
  await expect(uninstallRedirect(config, doors)).resolves.toBe(0);
  expect(lines.at(-1)).toContain('there were no redirect rules');
  expect(lines.at(-1)).toContain('iptables-legacy -t nat -S');
});

it('uninstall-redirect fails when rules may be left', async () => {
  const { doors, lines, node } = stage();
  node.trouble = new ProgramError('denied', 'nft failed with 1: Operation not permitted', 1);
  await expect(uninstallRedirect(config, doors)).resolves.toBe(1);
  expect(lines.join('')).toMatch(/could not be removed.*Operation not permitted/);
  await expect(uninstallRedirect(config, { ...doors, run: missing })).resolves.toBe(1);
  expect(lines.at(-1)).toContain('nft is not here');
});

it('uninstall-redirect fails when routing rules may be left', async () => {
  const { doors, lines } = stage();
  const run: RunProgram = (program, args, input) =>
    program === 'ip'
      ? Promise.reject(new ProgramError('denied', 'ip failed with 2: Operation not permitted', 2))
      : doors.run(program, args, input);
  await installRedirect(config, doors);
  await expect(uninstallRedirect(config, { ...doors, run })).resolves.toBe(1);
  expect(lines.join('')).toMatch(/routing rules could not be removed.*Operation not permitted/);
});

it('uninstall-redirect fails when a kernel setting may be left, and says what to set', async () => {
  const { doors, lines, node } = stage();
  await installRedirect(config, doors);
  node.localnet = '2';
  await expect(uninstallRedirect(config, doors)).resolves.toBe(1);
  expect(lines.join('')).toMatch(/could not be put back.*\/host\/proc\/sys\/net.*route_localnet.*EROFS/s);
  expect(node.table).toBeUndefined();
});
