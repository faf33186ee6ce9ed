// The list of rooms as regular expressions and as globs, for the checks.

/** @typedef {import('./rooms.mjs').Room} Room */

const escape = (/** @type {string} */ text) => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&');
const oneOf = (/** @type {readonly string[]} */ names) => `(${names.map(escape).join('|')})\\.ts$`;

/**
 * Regular expressions over paths of pure files, for dependency-cruiser.
 *
 * @param {readonly Room[]} rooms
 * @returns {string[]}
 */
export function pureExpressions(rooms) {
  return rooms.flatMap(({ folder, pure = [] }) => {
    const start = `^${escape(folder)}\\/`;
    if (pure === 'all') return [start];
    if ('except' in pure) return [`${start}(?!${oneOf(pure.except)})`];
    return pure.length === 0 ? [] : [start + oneOf(pure)];
  });
}

/**
 * The same files as globs, for ESLint.
 *
 * @param {readonly Room[]} rooms
 * @returns {{ files: string[], ignores: string[] }}
 */
export function pureGlobs(rooms) {
  const all = rooms.filter(({ pure }) => pure !== undefined && !Array.isArray(pure));
  return {
    files: [
      ...all.map(({ folder }) => `${folder}/**/*.ts`),
      ...rooms.flatMap(({ folder, pure }) =>
        Array.isArray(pure) ? pure.map((name) => `${folder}/${name}.ts`) : [],
      ),
    ],
    ignores: all.flatMap(({ folder, pure }) =>
      typeof pure === 'object' && 'except' in pure ? pure.except.map((name) => `${folder}/${name}.ts`) : [],
    ),
  };
}

/**
 * Rules of dependency-cruiser: a room imports nothing from the folders that it must not know. Tests may.
 *
 * @param {readonly Room[]} rooms
 * @param {string} isTest
 */
export function neverRules(rooms, isTest) {
  return rooms
    .filter(({ never = [] }) => never.length > 0)
    .map(({ folder, never = [] }) => ({
      name: `room-${folder
        .replace(/^(packages|tools)\//, '')
        .replace('/src/', '-')
        .replaceAll('/', '-')}`,
      severity: 'error',
      from: { path: `^${escape(folder)}\\/`, pathNot: isTest },
      to: { path: `^(${never.map(escape).join('|')})\\/` },
    }));
}
