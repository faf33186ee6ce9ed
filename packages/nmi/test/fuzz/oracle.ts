// What a request target may mean to a service that reads more leniently than any filter foresees. Written without a look at
// routes.ts: it judges what NMI would send on.

/** Under none of its readings may a target lie anywhere but below one of the families. */
export function isHarmless(target: string, families: readonly string[]): boolean {
  const plain = remembered.get(target) ?? remember(target);
  return plain.every((path) => families.some((family) => isBelow(path, ['metadata', family])));
}

/** Whether some lenient service may take the target for one below /metadata/identity. */
export function mayMeanIdentity(target: string): boolean {
  return readingsOf(target).some((path) => isBelow(path, ['metadata', 'identity']));
}

const remembered = new Map<string, readonly string[]>();
const mostRemembered = 20_000;

function remember(target: string): readonly string[] {
  const readings = readingsOf(target);
  if (remembered.size >= mostRemembered) remembered.clear();
  remembered.set(target, readings);
  return readings;
}

/** Each is one thing that some server, gateway or file system is known to do with a path. */
const leniencies: readonly ((path: string) => string)[] = [
  (path) => path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
  (path) => path.replace(/%u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
  // UTF-8 after the fact, and the overlong forms that a lax decoder takes for `/`, `.` and `\`.
  (path) => Buffer.from(path, 'latin1').toString('utf8'),
  (path) =>
    path.replaceAll('\u00c0\u00af', '/').replaceAll('\u00c0\u00ae', '.').replaceAll('\u00c1\u009c', '\\'),
  (path) => path.replaceAll('\\', '/'),
  (path) => path.replace(/\/{2,}/g, '/'),
  (path) => path.replace(/^[a-z][a-z0-9+.-]*:(?=[/\\])/i, ''),
  (path) => path.replace(/^\/{2,}[^/]*/, ''),
  (path) => path.replace(/[?#].*$/s, ''),
  (path) => path.split('\0', 1)[0] ?? '',
  (path) => path.replace(/[\s\p{Cc}\p{Cf}]/gu, ''),
  (path) => path.replace(/;[^/]*/g, ''),
  (path) => path.replace(/[. ]+(?=\/|$)/g, ''),
  (path) => path.normalize('NFKC').toLowerCase().replaceAll('ı', 'i').replaceAll('i̇', 'i'),
  withoutDots,
];

/** Every reading by any of them in any order, as deep as it goes on giving new ones, within reason. */
function readingsOf(target: string): readonly string[] {
  const readings = new Set([target.split('?', 1)[0] ?? '']);
  for (const reading of readings) {
    if (readings.size > 400) break;
    for (const leniency of leniencies) readings.add(leniency(reading));
  }
  return [...readings];
}

function withoutDots(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
  }
  return `/${kept.join('/')}`.replace(/^\/{2,}/, '/');
}

function isBelow(path: string, folders: readonly string[]): boolean {
  const segments = path.toLowerCase().split('/').filter(Boolean);
  return folders.every((folder, index) => segments[index] === folder);
}
