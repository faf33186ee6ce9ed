/** Why a test cannot run that needs further addresses of loopback. Most tests can: see tools/workspace/one-address-setup.ts, which sets the variable. */
export function whyOneAddress(): string | undefined {
  if (process.env['POD_IDENTITY_ONE_ADDRESS'] === undefined) return undefined;
  return 'loopback has only 127.0.0.1 here, as on macOS; it runs on Linux';
}
