// The services accept the flags that the chart gives them: a renamed flag would only be noticed when the pod starts.
import { describe, expect, test } from 'vitest';
import { readMicConfig } from '../../packages/mic/src/config/config.ts';
import { readConfig as readNmiConfig } from '../../packages/nmi/src/config/config.ts';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { containersOf, podSpecOf } from '../checks/workloads.ts';
import { objectsOf } from './render.ts';

const folder = join(import.meta.dirname, 'golden');
const containers = readdirSync(folder).flatMap((file) =>
  objectsOf(readFileSync(join(folder, file), 'utf8'))
    .flatMap((object) => podSpecOf(object) ?? [])
    .flatMap(containersOf)
    .filter(({ args = [] }) => args.length > 0)
    .map(({ name, env = [], args = [] }) => ({
      file,
      name,
      // What the values of others are, the kubelet knows.
      env: Object.fromEntries(env.map((variable) => [variable.name, variable.value ?? '10.0.0.7'])),
      args: args.map((arg) => arg.replace('$(NODE_NAME)', 'node')),
    })),
);

describe.each(containers)('$name of $file', ({ name, env, args }) => {
  test('is given flags that it knows, with values that it accepts', () => {
    if (name === 'mic') {
      const reading = readMicConfig({ argv: args, env: {}, hostname: 'host' });
      expect(reading.ok ? [] : reading.problems).toEqual([]);
    } else {
      const reading = readNmiConfig({ argv: args, env: { NODE_NAME: 'node', ...env } });
      expect(reading.kind === 'problems' ? reading.problems : []).toEqual([]);
    }
  });
});
