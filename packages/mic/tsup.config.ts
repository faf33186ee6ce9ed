import { defineConfig } from 'tsup';
import { serviceBundle } from '../../tools/workspace/service-bundle.ts';

export default defineConfig({ ...serviceBundle, entry: { mic: 'src/main.ts' } });
