import type { FunctionComponent } from 'preact';
import { useState } from 'preact/hooks';
import type { ClusterChecks } from '../picture.ts';
import type { Source } from './connection.ts';
import { Step, type Copy } from './story-view.tsx';
import { cleanText } from './words.ts';

type Checked = ClusterChecks | { readonly problem: string } | 'reading';

/** What `doctor` finds, read when it is opened: it lists more of the cluster than the picture needs. */
export const ChecksView: FunctionComponent<{ readonly source: Source; readonly copy: Copy }> = ({
  source,
  copy,
}) => {
  const [checked, setChecked] = useState<Checked>();
  const read = (): void => {
    setChecked('reading');
    void source
      .checks()
      .then(setChecked, (error: unknown) =>
        setChecked({ problem: error instanceof Error ? error.message : String(error) }),
      );
  };
  return (
    <details
      class="banner checks"
      onToggle={({ currentTarget: { open } }) => open && checked === undefined && read()}
    >
      <summary>Checks of the cluster, as by doctor</summary>
      <div aria-live="polite">{checked !== undefined && <Found checked={checked} copy={copy} />}</div>
      <p>
        <button type="button" onClick={read} disabled={checked === 'reading'}>
          Check again
        </button>
      </p>
    </details>
  );
};

const Found: FunctionComponent<{ readonly checked: Checked; readonly copy: Copy }> = ({ checked, copy }) => {
  if (checked === 'reading') return <p class="soft">Reading the cluster …</p>;
  if ('problem' in checked) return <p>It can’t be read: {cleanText(checked.problem)}</p>;
  const { findings, unknown } = checked;
  return (
    <>
      {findings.length === 0 && <p>Nothing was found that is misconfigured.</p>}
      <ol>
        {findings.map(({ check, object, finding }) => (
          <Step
            key={`${check} ${object} ${finding.text}`}
            finding={{ ...finding, topic: `${check}, ${cleanText(object)}` }}
            copy={copy}
          />
        ))}
      </ol>
      {unknown.length > 0 && (
        <>
          <p>Not known:</p>
          <ul>
            {unknown.map((text) => (
              <li key={text}>{cleanText(text)}</li>
            ))}
          </ul>
        </>
      )}
    </>
  );
};
