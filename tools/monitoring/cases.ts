// The worlds of all alerts, and a healthy one, which each of them changes.
import { brokerCases } from './broker-cases.ts';
import { mic, nmi, type Case, type Series } from './case.ts';
import { micCases } from './mic-cases.ts';
import { nmiCases } from './nmi-cases.ts';

/** One node and two MICs without a problem. Each case changes some of these series, and adds its own. */
export const healthy: Series = {
  'up{job="nmi",instance="n1"}': '1x90',
  'up{job="mic",instance="m1"}': '1x90',
  [nmi('ready')]: '1x90',
  [mic('leader')]: '1x90',
  'aadpodidentity_mic_leader{job="mic",instance="m2"}': '0x90',
  [mic('cycle_count')]: '0+1x90',
};

export const cases: Readonly<Record<string, Case>> = { ...nmiCases, ...micCases, ...brokerCases };
