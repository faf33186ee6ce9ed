/** The canary asks here; no other service has the path, and it leads to no token. */
export const canaryPath = '/metadata/pod-identity/canary';

const challengeAlone = /^challenge=([0-9a-f]{32})$/;

export function canaryTarget(challenge: string): string {
  return `${canaryPath}?challenge=${challenge}`;
}

/** Of one form only, since the response repeats it. */
export function challengeIn(query: string): string | undefined {
  return challengeAlone.exec(query)?.[1];
}
