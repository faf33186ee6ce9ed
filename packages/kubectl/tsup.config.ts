import { defineConfig } from 'tsup';
import { serviceBundle } from '../../tools/workspace/service-bundle.ts';

export default defineConfig({
  ...serviceBundle,
  target: 'node22',
  sourcemap: false,
  entry: { main: 'src/main.ts' },
});
