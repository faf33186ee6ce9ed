// What of MIC is measured without a process of its own.
import type { Figures } from '../report.ts';
import { accessFigures } from './mic-access.ts';
import { decisionFigures } from './mic-decisions.ts';
import { selectionFigures } from './mic-selection.ts';
import type { MicSizes } from './mic-sizes.ts';

export async function inProcessFigures(say: (text: string) => void, sizes: MicSizes): Promise<Figures> {
  const access = await accessFigures(say, sizes.access);
  return [...decisionFigures(say, sizes.decisions), ...access, ...selectionFigures(say, sizes.selection)];
}
