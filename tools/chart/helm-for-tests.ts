import { arePackagesRequired } from '@pod-identity/kit/testing';
import { provideHelm, type HelmVersion } from './helm.ts';

export type Helm =
  { readonly kind: 'found'; readonly program: string } | { readonly kind: 'missing'; readonly why: string };

/** Helm, or why it is missing. With POD_IDENTITY_REQUIRE_PACKAGES=1 or in CI it throws instead if it is. */
export async function findHelm(version: HelmVersion): Promise<Helm> {
  try {
    return { kind: 'found', program: await provideHelm(version) };
  } catch (error) {
    if (arePackagesRequired()) throw error;
    const why = error instanceof Error ? error.message : String(error);
    return { kind: 'missing', why: `helm ${version} can't be had: ${why}` };
  }
}
