import type { FunctionComponent } from 'preact';
import { useState } from 'preact/hooks';
import type { Picture } from '../picture.ts';
import { ChecksView } from './checks-view.tsx';
import type { Source } from './connection.ts';
import { countPods } from './filter.ts';
import { Mark } from './mark.tsx';
import type { Copy } from './story-view.tsx';
import type { View } from './view.ts';
import { cleanText, compareNames, fullName, states } from './words.ts';

interface Properties {
  readonly picture: Picture;
  readonly view: View;
  readonly change: (part: Partial<View>) => void;
  readonly problem: string;
  readonly source: Source;
  readonly copy: Copy;
}

export const Header: FunctionComponent<Properties> = ({ picture, view, change, problem, source, copy }) => (
  <header>
    <h1>Pod Identity</h1>
    <p class="soft">
      {picture.server}
      {picture.namespace !== undefined && `, namespace ${picture.namespace}`}, last change at{' '}
      {timeOf(picture.takenAt)}
      {picture.pending > 0 && `, ${pendingText(picture.pending)}`}
    </p>
    {picture.clusterNote !== undefined && <p class="soft">{cleanText(capitalized(picture.clusterNote))}.</p>}
    <div class="controls">
      <StateButtons picture={picture} view={view} change={change} />
      <Filters picture={picture} view={view} change={change} />
    </div>
    <div class="banner" role="status">
      {problem !== '' && (
        <p>
          <Mark state="refused" />
          {cleanText(problem)}
        </p>
      )}
    </div>
    <ChecksView source={source} copy={copy} />
    {picture.unknown.length > 0 && (
      <details class="banner">
        <summary>What you may not see ({picture.unknown.length})</summary>
        <ul>
          {picture.unknown.map((text) => (
            <li key={text}>{cleanText(text)}</li>
          ))}
        </ul>
      </details>
    )}
  </header>
);

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Until then the picture shows what was found before. */
const pendingText = (count: number): string =>
  (count === 1 ? '1 pod is' : `${count} pods are`) + ' being judged';

const timeOf = (time: string): string => `${time.slice(11, 19)} UTC`;

type PartProperties = Pick<Properties, 'picture' | 'view' | 'change'>;

/** How many pods are in each state; a button shows these alone. */
const StateButtons: FunctionComponent<PartProperties> = ({ picture, view, change }) => {
  const count = countPods(picture.things);
  const toggle = (state: (typeof states)[number]) =>
    view.states.includes(state) ? view.states.filter((one) => one !== state) : [...view.states, state];
  const shown = states.filter(
    (state) => (state !== 'unused' && state !== 'unknown') || count[state] > 0 || view.states.includes(state),
  );
  return shown.map((state) => (
    <button
      key={state}
      type="button"
      aria-pressed={view.states.includes(state)}
      title={`Show only pods that are ${state}`}
      onClick={() => change({ states: toggle(state) })}
    >
      <Mark state={state} />
      {count[state]} <span class="word">{state}</span>
    </button>
  ));
};

/** A narrow window shows the search alone until the rest is wanted. */
const Filters: FunctionComponent<PartProperties> = ({ picture, view, change }) => {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <input
        id="search"
        type="search"
        aria-label="Search names"
        placeholder="Search names ( / )"
        value={view.search}
        onInput={({ currentTarget: { value } }) => change({ search: value })}
      />
      <button type="button" class="only-narrow" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        Filters
      </button>
      <div class={isOpen ? 'controls filters open' : 'controls filters'} style={{ width: 'auto' }}>
        <Choices picture={picture} view={view} change={change} />
        <button type="button" aria-pressed={view.isTable} onClick={() => change({ isTable: !view.isTable })}>
          Table
        </button>
      </div>
    </>
  );
};

const Choices: FunctionComponent<PartProperties> = ({ picture, view, change }) => {
  const namespaces = new Set(picture.things.map(({ namespace }) => namespace ?? ''));
  const identities = picture.things.filter(({ column }) => column === 'identity');
  const { namespace, identity, columns } = view;
  return (
    <>
      <Choice
        label="Namespace"
        all="All namespaces"
        value={namespace}
        options={[...namespaces].filter(Boolean).map((name) => [name, name])}
        chosen={(value) => change({ namespace: value })}
      />
      <Choice
        label="Identity"
        all="All identities"
        value={identity}
        options={identities.map((one) => [one.id, fullName(one)])}
        chosen={(value) => change({ identity: value })}
      />
      <Choice
        label="Columns"
        all="Columns that fit"
        value={columns ?? ''}
        options={[
          ['all', 'All columns'],
          ['few', 'Pods and identities'],
        ]}
        chosen={(value) => change({ columns: value === 'all' || value === 'few' ? value : undefined })}
      />
    </>
  );
};

interface ChoiceProperties {
  readonly label: string;
  readonly all: string;
  readonly value: string;
  readonly options: readonly (readonly [string, string])[];
  readonly chosen: (value: string) => void;
}

/** A value that no option has, as of an identity that is gone, stays chosen and is shown. */
const Choice: FunctionComponent<ChoiceProperties> = ({ label, all, value, options, chosen }) => {
  const known = options.toSorted(([, one], [, other]) => compareNames(one, other));
  const isGone = value !== '' && !options.some(([key]) => key === value);
  return (
    <select aria-label={label} value={value} onChange={({ currentTarget }) => chosen(currentTarget.value)}>
      <option value="">{all}</option>
      {isGone && <option value={value}>{cleanText(value)} (not there)</option>}
      {known.map(([key, name]) => (
        <option key={key} value={key}>
          {cleanText(name)}
        </option>
      ))}
    </select>
  );
};
