// Azure on a node of a real cluster: the metadata service at its well-known address, and ARM for the node's own programs.
import { openMetadataDoor } from '../kernel/metadata-door.ts';
import { answerMessages } from '../kernel/program.ts';
import { armRelay, metadataUrl } from './places-of-azure.ts';
import { relay } from './relay.ts';

export interface DoorGiven {
  readonly node: number;
}
export type DoorQuestions = typeof questions;

const { node } = JSON.parse(process.argv[2] ?? '{}') as DoorGiven;
const door = await openMetadataDoor('169.254.169.254', metadataUrl(node));
await relay(armRelay.at, armRelay.to);
const questions = {
  /** What reached it since the last call. */
  arrivals: () => door.arrivals(),
};
answerMessages(questions);
