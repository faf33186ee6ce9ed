// Which source the running program was built from. The bundler defines both; they are unknown when sources run as they are.
declare const POD_IDENTITY_COMMIT: string | undefined;
declare const POD_IDENTITY_DATE: string | undefined;

export interface BuildInfo {
  readonly version: string;
  readonly commit: string;
  /** Of the commit: a build can be repeated to the byte. */
  readonly date: string;
}

export function buildInfo(version: string): BuildInfo {
  return {
    version,
    commit: typeof POD_IDENTITY_COMMIT === 'string' ? POD_IDENTITY_COMMIT : 'unknown',
    date: typeof POD_IDENTITY_DATE === 'string' ? POD_IDENTITY_DATE : 'unknown',
  };
}

/** What `--version` prints of both services, in the original's words. */
export function versionLine(service: 'MIC' | 'NMI', { version, commit, date }: BuildInfo): string {
  const ofNmi = service === 'MIC' ? ` - NMI Version: ${version}` : '';
  return `${service} Version: ${version}${ofNmi} - Commit: ${commit} - Date: ${date}`;
}

/** C17. */
export function userAgentOf(service: 'MIC' | 'NMI', build: BuildInfo, suffix = ''): string {
  const agent = `aad-pod-identity/${service}/${build.version}/${build.commit}/${build.date}`;
  return suffix === '' ? agent : `${agent} ${suffix}`;
}
