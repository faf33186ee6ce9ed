// NMI's own reader of the kernel's neighbour table, in the node's namespace.
import { createNeighbourTable } from '../../../packages/nmi/src/identify/neighbour-table.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerMessages } from './program.ts';

export type NeighbourQuestions = typeof questions;

const elapsed = () => performance.now();
const table = createNeighbourTable({ elapsed, sleep: (ms) => sleep(ms) });

const questions = {
  neighbourOf: ({ address }: { address: string }) => table.since(address, elapsed()),
};
answerMessages(questions);
