/** Of the tokens of servers that imitate IMDS: a day. */
const tokenLifeSeconds = 86_400;

/** What IMDS answers with a token, all of it text. `expiresOn`: in Unix seconds. */
export function tokenBody(
  token: string,
  expiresOn = Math.floor(Date.now() / 1000) + tokenLifeSeconds,
): Readonly<Record<string, string>> {
  return {
    access_token: token,
    expires_in: String(tokenLifeSeconds),
    expires_on: String(expiresOn),
    resource: 'https://vault.azure.net',
    token_type: 'Bearer',
  };
}
