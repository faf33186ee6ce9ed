// The variants in which a kernel scenario runs; where they are not possible, it is skipped with a reason.
import { describe } from 'vitest';
import { whyNoKernel, type Layout } from './network.ts';

export interface KernelPlace {
  readonly firewall: 'nftables' | 'iptables';
  readonly layout: Layout;
}

export const fabricPlaces: readonly KernelPlace[] = [
  { firewall: 'nftables', layout: 'fabric' },
  { firewall: 'iptables', layout: 'fabric' },
];

const missing = whyNoKernel();
if (missing !== undefined) console.warn(`scenarios with the kernel's firewall are skipped: ${missing}`);

/** Runs the scenario in each variant. */
export function describePlaces(
  name: string,
  places: readonly KernelPlace[],
  scenario: (place: KernelPlace) => void,
): void {
  describe.skipIf(missing !== undefined).each(places)(
    `${name} with $firewall, the metadata service behind the $layout`,
    scenario,
  );
}
