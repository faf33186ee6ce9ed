import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { repository } from '../stage/places.ts';
import { imageNames, recipes } from './recipes.ts';

test.each(imageNames)('the Containerfile of %s makes what the recipe says', (name) => {
  const file = readFileSync(join(repository, 'packages', name, 'Containerfile'), 'utf8');
  const { version } = JSON.parse(
    readFileSync(join(repository, 'packages', name, 'package.json'), 'utf8'),
  ) as {
    version: string;
  };
  const last = file.slice(file.indexOf('FROM scratch'));
  const lines = last.split('\n').filter((line) => /^(ENV|COPY|WORKDIR|USER|ENTRYPOINT)/.test(line));
  const { programs, user } = recipes[name];
  expect(lines).toEqual([
    'ENV PATH=/usr/sbin:/usr/bin',
    `COPY --from=build /layers/${name}/node /`,
    ...(programs ? [`COPY --from=build /layers/${name}/programs /`] : []),
    `COPY --from=build /layers/${name}/app /`,
    'WORKDIR /',
    `USER ${user}`,
    `ENTRYPOINT ["/usr/bin/node", "/app/${name}.js"]`,
  ]);
  expect(file).toContain(`RUN npm run images -- ${name} --folders --out /layers `);
  expect(last).toContain(`org.opencontainers.image.title="${name}"`);
  expect(last).toContain(`org.opencontainers.image.version="${version}"`);
  expect(file).toContain(`--tag aad-pod-identity/${name}:${version} `);
});
