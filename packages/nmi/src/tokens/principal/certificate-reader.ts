// Certificates are untrusted input: an editor of a namespace wrote them. openssl decrypts them, one at a time; the time is limited for each
// namespace, and a namespace waits for at most one certificate of each other one.
import type { Clock } from '@pod-identity/kit/core';
import { createTurnQueues, runInTurn } from '../../waiting/turn-queues.ts';
import { TokenError } from '../errors.ts';
import { readCertificate, type Certificate } from './certificate.ts';
import type { Openssl, OpensslInput, Ran } from './openssl.ts';
import { createReadingBudgets } from './reading-budgets.ts';
import { longest, type StoredCredential } from './secret-keys.ts';

type StoredCertificate = Exclude<StoredCredential, { readonly kind: 'secret' }>;

export type CertificateReader = ReturnType<typeof createCertificateReader>;

const waitingOfNamespace = 64;
const waiting = { total: Infinity, perNamespace: waitingOfNamespace, perPod: waitingOfNamespace };
const oneAtATime = { all: { atATime: 1 }, queues: { readings: { atATime: 1, waiting } } };

/** Only a cipher in its head may have dashes. */
const keyBlock =
  /-----BEGIN ((?:RSA |EC |ENCRYPTED )?)PRIVATE KEY-----(?:\s+Proc-Type: 4,ENCRYPTED\s+DEK-Info: [\w-]+,)?[^-]+-----END \1PRIVATE KEY-----/;

export function createCertificateReader(options: {
  readonly openssl: Pick<Openssl, 'run'>;
  readonly clock: Clock;
}) {
  const { openssl, clock } = options;
  const { readings } = createTurnQueues({ clock, ...oneAtATime });
  const budgets = createReadingBudgets(clock);

  const run = async (namespace: string, input: OpensslInput): Promise<Ran> => {
    const retryAfterMs = budgets.waitMs(namespace);
    if (retryAfterMs > 0) throw exhausted(namespace, retryAfterMs);
    const startedAt = clock.elapsed();
    try {
      return await openssl.run(input);
    } catch (cause) {
      throw new TokenError(
        'unavailable',
        'The program openssl, which reads certificates, could not be started.',
        {
          cause,
          retryAfterMs: 1_000,
        },
      );
    } finally {
      budgets.spend(namespace, clock.elapsed() - startedAt);
    }
  };

  return {
    /** A text says what is wrong with it; fails with a TokenError if it could not be read now. */
    read: async (namespace: string, stored: StoredCertificate): Promise<Certificate | string> => {
      const input = inputOf(stored);
      if (typeof input === 'string') return input;
      const ran = await runInTurn(readings, { tenant: { namespace, pod: '' } }, () => run(namespace, input));
      if (ran === undefined) throw exhausted(namespace, 1_000);
      if (ran === 'killed')
        return 'openssl takes more than 3 seconds to decrypt its certificate and key; encrypt them with fewer rounds';
      if (ran === 'failed') return unreadable[stored.kind];
      return readCertificate(ran.output, stored.kind === 'pem' ? stored.text : ran.output);
    },
  };
}

const unreadable: Readonly<Record<StoredCertificate['kind'], string>> = {
  pfx: 'its key certificate is no PKCS#12 file that can be decrypted: is the file whole, and the key password that of the file?',
  pem: 'its private key cannot be read: is it encrypted with another password than the key password holds?',
};

/** A text says what is wrong. */
function inputOf(stored: StoredCertificate): OpensslInput | string {
  const { kind, password } = stored;
  const content = kind === 'pem' ? Buffer.from(stored.text) : stored.bytes;
  if (content.length > longest.certificate)
    return `its certificate and key have more than ${longest.certificate} bytes; leave out what is not of its chain`;
  if (Buffer.byteLength(password) > longest.password)
    return `its key password has more than ${longest.password} bytes`;
  if (/[\0\n]/.test(password)) return 'its key password has a line break or a NUL';
  if (kind === 'pfx') return { args: ['pkcs12', '-legacy', '-noenc'], content, password };
  const [key] = keyBlock.exec(stored.text) ?? [];
  if (key === undefined) return 'it has no private key in PEM form';
  return { args: ['pkey', '-provider', 'default', '-provider', 'legacy'], content: key, password };
}

function exhausted(namespace: string, retryAfterMs: number): TokenError {
  return new TokenError(
    'unavailable',
    `Reading the certificates of namespace ${namespace} took too long lately; they are read again after a pause.`,
    { retryAfterMs },
  );
}
