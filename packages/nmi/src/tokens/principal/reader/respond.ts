import type { ReadResponse, ReadRequest } from '../reader-messages.ts';
import type { ReadCertificate } from './certificate.ts';

/** What is in a credential, or what is wrong with it. */
export async function responseTo(request: ReadRequest): Promise<ReadResponse> {
  const found = await read(request);
  if (typeof found === 'string') return { fault: found };
  const chain = found.chain.map(({ raw }) => raw.toString('base64'));
  return { key: found.key.export({ format: 'jwk' }), chain };
}

async function read(request: ReadRequest): Promise<ReadCertificate | string> {
  const bytes = Buffer.from(request.content, 'base64');
  if (request.kind === 'pfx') {
    const { readPfx } = await import('./pfx.ts');
    return readPfx(bytes, request.password);
  }
  const { readPem } = await import('./pem.ts');
  return readPem(bytes.toString('utf8'), request.password);
}
