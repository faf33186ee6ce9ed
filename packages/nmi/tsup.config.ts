import { defineConfig } from 'tsup';
import { serviceBundle } from '../../tools/workspace/service-bundle.ts';

export default defineConfig({
  ...serviceBundle,
  entry: { nmi: 'src/main.ts' },
});
