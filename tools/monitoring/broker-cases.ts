// For each alert about the broker a world in which it fires, and some close to it in which it does not.
import { broker, type Case } from './case.ts';

const responses = (result: string) => broker('responses_total', `,result="${result}"`);
const exchanges = (result: string) => broker('exchange_duration_seconds_count', `,result="${result}"`);
const second = 'aadpodidentity_broker_ready{job="broker",instance="b2"}';

export const brokerCases: Readonly<Record<string, Case>> = {
  PodIdentityBrokerDown: {
    fires: [
      { [broker('ready')]: '0x90', [second]: '0x90' },
      { 'up{job="broker",instance="b1"}': '0x90', 'up{job="broker",instance="b2"}': '0x90' },
    ],
    quiet: { [broker('ready')]: '1x85 0x5', [second]: '1x90' },
  },
  PodIdentityBrokerAlone: {
    fires: { [broker('ready')]: '1x90', [second]: '0x90' },
    quiet: [
      { [broker('ready')]: '1x90', [second]: '0x80 1x10' },
      { [broker('ready')]: '1x90', [second]: '1x90' },
    ],
  },
  PodIdentityExchangesFail: {
    fires: { [exchanges('failed')]: '0+12x90' },
    quiet: { [exchanges('failed')]: '0+5x90', [exchanges('token')]: '0+600x90' },
  },
  PodIdentityBrokerReviewsUnanswered: {
    fires: { [responses('review_unanswered')]: '0+12x90' },
    quiet: { [responses('review_unanswered')]: '0+5x90', [responses('token')]: '0+600x90' },
  },
  PodIdentityCredentialMissing: {
    fires: { [responses('credential_missing')]: '0+1x90' },
    quiet: { [responses('credential_missing')]: '0+1x20 20x70' },
  },
  PodIdentityBrokerUnauthorized: {
    fires: { [responses('unauthorized')]: '0+12x90' },
    quiet: { [responses('unauthorized')]: '0+5x90' },
  },
};
