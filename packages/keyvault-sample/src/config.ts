/** The sample's settings. DefaultAzureCredential reads those of the identity itself. */
export interface SampleConfig {
  readonly vaultUrl: string;
  /** Read in turn, one at each interval. */
  readonly secretNames: readonly string[];
  readonly intervalMs: number;
  /** The sample ends after so many reads; Infinity: when it is stopped. */
  readonly reads: number;
  /** Only for vaults with a custom domain: the SDK otherwise requires *.vault.azure.net and its equivalents. */
  readonly skipChallengeVerification: boolean;
}

/** The configuration, or a sentence for each problem of the environment. */
export function readConfig(
  env: Readonly<Record<string, string | undefined>>,
): SampleConfig | { problems: string[] } {
  const problems: string[] = [];
  const vaultUrl = env['KEYVAULT_URL'] ?? '';
  if (!vaultUrl.startsWith('https://')) {
    problems.push(
      'KEYVAULT_URL must be the https address of a vault, such as https://my-vault.vault.azure.net',
    );
  }
  const secretNames = (env['SECRET_NAMES'] ?? '').split(',').filter((name) => name !== '');
  if (secretNames.length === 0)
    problems.push('SECRET_NAMES must name one secret or several, separated by commas');
  const seconds = Number(env['INTERVAL_SECONDS'] ?? '30');
  if (!(seconds > 0)) problems.push('INTERVAL_SECONDS must be a number greater than 0');
  const reads = Number(env['READS'] ?? 'Infinity');
  if (!(reads > 0)) problems.push('READS must be a number greater than 0');
  if (problems.length > 0) return { problems };
  const skipChallengeVerification = env['KEYVAULT_SKIP_CHALLENGE_VERIFICATION'] === 'true';
  return { vaultUrl, secretNames, intervalMs: seconds * 1000, reads, skipChallengeVerification };
}
