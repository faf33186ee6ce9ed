// `npm run bench -- AREA [--json] [--smoke]`: figures of one area, as a table or as one JSON object on standard output. --smoke runs
// the smallest size: it produces every figure, but their values mean nothing.
import { parseArgs } from 'node:util';
import { benchImds } from './areas/imds.ts';
import { benchMic } from './areas/mic.ts';
import { benchNmi, benchNmiCached, benchNmiMisses } from './areas/nmi.ts';
import { table, type Figures } from './report.ts';
import type { Scale } from './scale.ts';

const areas: Readonly<Record<string, (say: (text: string) => void, scale: Scale) => Promise<Figures>>> = {
  imds: benchImds,
  mic: benchMic,
  nmi: benchNmi,
  'nmi-cached': benchNmiCached,
  'nmi-misses': benchNmiMisses,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, smoke: { type: 'boolean', default: false } },
});
const area = positionals[0] ?? '';
const bench = areas[area];
if (!bench) {
  console.error(`there is no area '${area}' to measure; there are: ${Object.keys(areas).join(', ')}`);
  process.exit(2);
}
const figures = await bench((text) => console.error(text), values.smoke ? 'smoke' : 'full');
console.log(
  values.json
    ? JSON.stringify(Object.fromEntries(figures.map(({ name, value }) => [name, value ?? null])))
    : table(area, figures),
);
process.exit();
