// In a network namespace without uplink: plays each scripted answer to each client at the same time, and prints the cells of the table.
import { scriptedAnswers } from './coping-answers.ts';
import { copingCell, copingClients, playAnswer } from './coping.ts';
import { createStarts } from './starts.ts';

const starts = createStarts(4);
const rows = scriptedAnswers.map(async (answer) => {
  const cells = copingClients.map(async (client) => copingCell(await playAnswer(starts, client, answer)));
  return [answer.title, await Promise.all(cells)] as const;
});
console.log(JSON.stringify(Object.fromEntries(await Promise.all(rows))));
