// The program of the child process: one credential on standard input, what is in it on standard output. It is started for one
// credential and ends: nothing of one namespace's Secret is there when that of another is read.
import { text } from 'node:stream/consumers';
import type { Answer, Question } from '../reader-words.ts';
import type { ReadCertificate } from './certificate.ts';

process.stdout.write(JSON.stringify(answerOf(await read(JSON.parse(await text(process.stdin)) as Question))));

async function read(question: Question): Promise<ReadCertificate | string> {
  const bytes = Buffer.from(question.content, 'base64');
  if (question.kind === 'pfx') {
    const { readPfx } = await import('./pfx.ts');
    return readPfx(bytes, question.password);
  }
  const { readPem } = await import('./pem.ts');
  return readPem(bytes.toString('utf8'), question.password);
}

function answerOf(read: ReadCertificate | string): Answer {
  if (typeof read === 'string') return { fault: read };
  const chain = read.chain.map(({ raw }) => raw.toString('base64'));
  return { key: read.key.export({ format: 'jwk' }), chain };
}
