import type { FunctionComponent } from 'preact';
import type { Finding, Remedy } from '@pod-identity/policy';
import type { PodStory, State } from '../picture.ts';
import { Mark } from './mark.tsx';
import { cleanText, copiedText } from './words.ts';

export type Copy = (text: string) => void;

/** Each step from the pod's labels to NMI's response, with the remedy of policy's table. */
export const StoryView: FunctionComponent<{
  readonly story: PodStory | { readonly problem: string } | undefined;
  readonly readAgain: () => void;
  readonly copy: Copy;
}> = ({ story, readAgain, copy }) => {
  if (story === undefined) return <p class="soft">Reading its story …</p>;
  const again = (
    <p>
      <button type="button" onClick={readAgain}>
        Read again
      </button>
    </p>
  );
  if ('problem' in story)
    return (
      <>
        <p>The story of this pod can’t be read: {cleanText(story.problem)}</p>
        {again}
      </>
    );
  const { findings, events, tokens, unknown } = story;
  return (
    <>
      <h3>Its story</h3>
      <ol>
        {findings.map((finding, at) => (
          <Step key={at} finding={finding} copy={copy} />
        ))}
      </ol>
      <Times title="Events" lines={events.map(eventLine)} none="There are none." />
      <Times title="Latest tokens" lines={tokens} none="NMI’s log names none." />
      {unknown.length > 0 && (
        <>
          <h3>What you may not see</h3>
          <ul>
            {unknown.map((text) => (
              <li key={text}>{cleanText(text)}</li>
            ))}
          </ul>
        </>
      )}
      {again}
    </>
  );
};

const stateOf: Readonly<Record<Finding['verdict'], State>> = {
  ok: 'ready',
  waiting: 'waiting',
  problem: 'refused',
  info: 'unused',
};

export const Step: FunctionComponent<{
  readonly finding: Omit<Finding, 'topic'> & { readonly topic: string };
  readonly copy: Copy;
}> = ({ finding, copy }) => {
  const { topic, verdict, text, quote, remedy } = finding;
  return (
    <li class="step">
      <Mark state={stateOf[verdict]} />
      <span class="hidden">{verdict}: </span>
      <strong>{topic}</strong> <span dir="auto">{cleanText(text)}</span>
      {quote !== undefined && quote !== '' && <blockquote>Azure said: {cleanText(quote)}</blockquote>}
      {remedy !== undefined && <RemedyView remedy={remedy} copy={copy} />}
    </li>
  );
};

const RemedyView: FunctionComponent<{ readonly remedy: Remedy; readonly copy: Copy }> = ({
  remedy,
  copy,
}) => (
  <>
    <p>Remedy: {cleanText(remedy.text)}</p>
    {remedy.paste !== undefined && <p class="soft">For kubectl apply -f -, then press Ctrl-D:</p>}
    {[remedy.paste, remedy.command].map(
      (text) =>
        text !== undefined && (
          <div key={text}>
            <pre>{cleanText(text.trimEnd())}</pre>
            <button type="button" onClick={() => copy(copiedText(text))}>
              Copy
            </button>
          </div>
        ),
    )}
  </>
);

const eventLine = ({ time, reason, message, count }: PodStory['events'][number]) => ({
  time,
  text: `${reason}: ${message}${count > 1 ? ` (${count} times)` : ''}`,
});

const Times: FunctionComponent<{
  readonly title: string;
  readonly lines: readonly { readonly time: string; readonly text: string }[];
  readonly none: string;
}> = ({ title, lines, none }) => (
  <>
    <h3>{title}</h3>
    {lines.length === 0 ? (
      <p class="soft">{none}</p>
    ) : (
      <ul>
        {lines.map(({ time, text }, at) => (
          <li key={at}>
            <time class="soft" dateTime={time}>
              {time.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')}
            </time>{' '}
            <span dir="auto">{cleanText(text)}</span>
          </li>
        ))}
      </ul>
    )}
  </>
);
