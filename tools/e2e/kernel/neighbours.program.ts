// NMI's own reader of the kernel's neighbour table, in the node's namespace.
import { createNeighbourTable } from '../../../packages/nmi/src/identify/neighbour-table.ts';
import { answerMessages } from './program.ts';

export type NeighbourQuestions = typeof questions;

const elapsed = () => performance.now();
const questions = {
  // A table of its own for each question: it is read at once.
  neighbourOf: ({ address }: { address: string }) => createNeighbourTable({ elapsed }).of(address),
};
answerMessages(questions);
