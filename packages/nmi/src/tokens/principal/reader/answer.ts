import type { Answer, Question } from '../reader-words.ts';
import type { ReadCertificate } from './certificate.ts';

/** What is in a credential, or what is wrong with it. */
export async function answerTo(question: Question): Promise<Answer> {
  const found = await read(question);
  if (typeof found === 'string') return { fault: found };
  const chain = found.chain.map(({ raw }) => raw.toString('base64'));
  return { key: found.key.export({ format: 'jwk' }), chain };
}

async function read(question: Question): Promise<ReadCertificate | string> {
  const bytes = Buffer.from(question.content, 'base64');
  if (question.kind === 'pfx') {
    const { readPfx } = await import('./pfx.ts');
    return readPfx(bytes, question.password);
  }
  const { readPem } = await import('./pem.ts');
  return readPem(bytes.toString('utf8'), question.password);
}
