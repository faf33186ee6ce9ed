// Room: the process that reads certificates: one credential on standard input, what is in it on standard output.
// It must not import anything of NMI, or read a second credential: nothing of one namespace is there when that of another is read.
import { text } from 'node:stream/consumers';
import type { ReadRequest } from '../reader-messages.ts';
import { responseTo } from './respond.ts';

process.stdout.write(JSON.stringify(await responseTo(JSON.parse(await text(process.stdin)) as ReadRequest)));
