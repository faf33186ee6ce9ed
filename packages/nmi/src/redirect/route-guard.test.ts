import { createLog } from '@pod-identity/kit/serve';
import { expect, it } from 'vitest';
import { createRouteGuard } from './route-guard.ts';
import { ProgramError, type RunProgram } from './run-program.ts';

const metadata = { host: '169.254.169.254', port: 80 };
const to = { dst: '169.254.169.254', ipproto: 'tcp', dport: 80, dport_mask: '0xffff' };
/** As iproute2 6.15 lists them; keys are the arguments that make them. */
const listed: Readonly<Record<string, object>> = {
  'pref 59 nop': { priority: 59, src: 'all', nop: null },
  'pref 57 iif lo to 169.254.169.254/32 ipproto 6 dport 80 goto 59': {
    priority: 57,
    src: 'all',
    iif: 'lo',
    goto: 59,
    ...to,
  },
  'pref 58 fwmark 0/0x1000 to 169.254.169.254/32 ipproto 6 dport 80 prohibit': {
    priority: 58,
    src: 'all',
    fwmark: '0',
    fwmask: '0x1000',
    action: 'prohibit',
    ...to,
  },
};
const main = { priority: 32_766, src: 'all', table: 'main' };

const stage = () => {
  const node = {
    rules: [main] as object[],
    trouble: undefined as Error | undefined,
    isGreedy: false,
  };
  const done: string[] = [];
  const run: RunProgram = (_, args) => {
    if (node.trouble) return Promise.reject(node.trouble);
    if (args.includes('show')) return Promise.resolve(JSON.stringify(node.rules));
    expect(args.slice(2, 4)).toEqual(['protocol', 'kernel']);
    done.push([args[1], ...args.slice(4)].join(' '));
    const rule = listed[args.slice(4).join(' ')];
    if (rule === undefined) return Promise.reject(new ProgramError('failed', 'RTNETLINK: No such file', 2));
    if (args[1] === 'del') node.rules = node.rules.filter((one) => one !== rule);
    else if (node.rules.includes(rule))
      return Promise.reject(new ProgramError('failed', 'RTNETLINK answers: File exists', 2));
    else if (!node.isGreedy) node.rules.push(rule);
    return Promise.resolve('');
  };
  const lines: string[] = [];
  const log = createLog({ component: 'nmi', destination: { write: (line) => lines.push(line) } });
  return { done, guard: createRouteGuard({ metadata }, run, log), lines, node };
};

it('adds what refuses last, so that the node itself is never refused', async () => {
  const { done, guard, lines } = stage();
  await guard.keep();
  await guard.keep();
  expect(done).toEqual(Object.keys(listed).map((rule) => `add ${rule}`));
  expect(lines).toHaveLength(1);
});

it('adds again what somebody took away, and nothing else', async () => {
  const { done, guard, node } = stage();
  await guard.keep();
  done.length = 0;
  node.rules = node.rules.filter((rule) => !('goto' in rule));
  await guard.keep();
  expect(done).toEqual([expect.stringContaining('goto 59')]);
});

it('reads the numbers of other versions of ip', async () => {
  const { done, guard, node } = stage();
  await guard.keep();
  done.length = 0;
  node.rules = node.rules.map((rule) => ({
    ...rule,
    ...('fwmark' in rule ? { fwmark: 0, fwmask: 4_096 } : {}),
    // Without /etc/protocols.
    ...('ipproto' in rule ? { ipproto: 'ipproto-6' } : {}),
  }));
  await guard.keep();
  expect(done).toEqual([]);
});

it('removes what is its own, what refuses first, and says whether there was anything', async () => {
  const { done, guard, node } = stage();
  await guard.keep();
  done.length = 0;
  const foreign = { priority: 58, src: 'all', action: 'prohibit', dst: '192.0.2.1' };
  node.rules.push(foreign);
  await expect(guard.remove()).resolves.toBe(true);
  expect(node.rules).toEqual([main, foreign]);
  expect(done.map((line) => line.split(' ')[2])).toEqual(['58', '57', '59']);
  await expect(guard.remove()).resolves.toBe(false);
});

it.each([
  [new ProgramError('missing', 'ip is not there'), 'ip is not there'],
  [new ProgramError('denied', 'ip failed with 2: Operation not permitted', 2), 'Operation not permitted'],
])('does not fail without it, but says once what that means: %s', async (trouble, said) => {
  const { guard, lines, node } = stage();
  node.trouble = trouble;
  await guard.keep();
  await guard.keep();
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain(said);
  expect(lines[0]).toContain('pods reach');
  node.trouble = undefined;
  await guard.keep();
  expect(lines).toHaveLength(2);
});

it('does not believe in rules that are not there after they were written', async () => {
  const { guard, lines, node } = stage();
  node.isGreedy = true;
  await guard.keep();
  expect(lines.join('')).toContain('are not there');
});
