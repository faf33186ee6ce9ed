// The layouts in which a kernel scenario runs; where they are not possible, it is skipped with a reason.
import { describe } from 'vitest';
import { whyNoKernel, type Layout } from './network.ts';

const missing = whyNoKernel();
if (missing !== undefined) console.warn(`scenarios with the kernel's firewall are skipped: ${missing}`);

/** Runs the scenario in each layout. */
export function describePlaces(
  name: string,
  layouts: readonly Layout[],
  scenario: (layout: Layout) => void,
): void {
  describe.skipIf(missing !== undefined).each(layouts)(
    `${name}, the metadata service behind the %s`,
    scenario,
  );
}
