// The program of the child process: one credential on standard input, what is in it on standard output. It is started for one
// credential and ends: nothing of one namespace's Secret is there when that of another is read.
import { text } from 'node:stream/consumers';
import type { Question } from '../reader-words.ts';
import { answerTo } from './answer.ts';

process.stdout.write(JSON.stringify(await answerTo(JSON.parse(await text(process.stdin)) as Question)));
