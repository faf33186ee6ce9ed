// Room: `explain NAMESPACE/POD`: why a pod gets a token or not, the verdict first, then the remedy, then what holds.
// It must not decide or word what nmi, policy and judge decide and word.
import { shortIds } from '../print/short-ids.ts';
import { parseObjectName } from '../cli/arguments.ts';
import { exitCodes, type PlugInCommand, type Session } from '../cli/command.ts';
import { findingText } from '../print/findings.ts';
import { isForPrograms } from '../print/output.ts';
import { readStory } from './read-story.ts';
import type { Story } from './story.ts';

export { readStory };

export const explain: PlugInCommand = {
  name: 'explain',
  summary: 'tells why a pod gets a token or not, with remedies',
  args: [{ name: 'pod', what: 'NAMESPACE/POD, or POD of the namespace' }],
  examples: ['explain shop/web-0', 'explain web-0 -n shop -o json'],
  async run(session, { args: [text = ''] }) {
    const story = await readStory(session, parseObjectName(text, 'pod', session));
    print(session, story);
    if (!story.isKnown) return exitCodes.unknown;
    return story.result.verdict === 'ok' ? exitCodes.ok : exitCodes.problem;
  },
};

/** Each answer to a request, and the rules of the cluster: with `-o wide`. */
const details: ReadonlySet<string> = new Set(['answer', 'rules']);

function print({ format, out, terminal }: Session, { pod, findings, result }: Story): void {
  if (isForPrograms({ format })) {
    out.object({ pod, result, findings });
    return;
  }
  // Commands and manifests need whole ids.
  const shown =
    format === 'wide'
      ? [result, ...findings]
      : [result, ...findings.filter(({ topic }) => !details.has(topic))].map((finding) => ({
          ...finding,
          text: shortIds(finding.text),
        }));
  const [, verdict = '', ...lines] = findingText('', shown, terminal);
  for (const line of [verdict.replace(/result +/, `${pod} `), ...lines]) out.line(line);
}
