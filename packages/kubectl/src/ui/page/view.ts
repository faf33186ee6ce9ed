// Room: the page of `ui` in the browser: what it shows of pictures, by pure functions and preact.
// It must not write to the cluster, load from outside, or put what the cluster says into the page other than as text.
import type { State } from '../picture.ts';
import { states } from './words.ts';

/** What the page shows of a picture. The address bar holds it, so that it can be sent to somebody. */
export interface View {
  readonly namespace: string;
  readonly states: readonly State[];
  /** The id of an identity: only what leads to it. */
  readonly identity: string;
  readonly search: string;
  readonly isTable: boolean;
  /** All columns, or only pods and identities; undefined: as wide as the window is. */
  readonly columns: 'all' | 'few' | undefined;
  /** The id of the thing whose details are open. */
  readonly thing: string;
  /** Groups of pods that are unfolded. */
  readonly open: readonly string[];
}

export const wholeView: View = {
  namespace: '',
  states: [],
  identity: '',
  search: '',
  isTable: false,
  columns: undefined,
  thing: '',
  open: [],
};

/** Longer than any name of Kubernetes with its namespace. */
const maxText = 600;
/** Addresses are cut by what they are sent with. */
const maxOpen = 50;

/** A fragment that somebody else wrote is a view as well: what is not understood is left out. */
export function viewOf(fragment: string): View {
  const given = new URLSearchParams(fragment.slice(0, 16_384).replace(/^#/, ''));
  const text = (name: string) => (given.get(name) ?? '').slice(0, maxText);
  const columns = text('columns');
  return {
    namespace: text('namespace'),
    states: states.filter((state) => text('state').split(',').includes(state)),
    identity: text('identity'),
    search: text('search'),
    isTable: text('as') === 'table',
    columns: columns === 'all' || columns === 'few' ? columns : undefined,
    thing: text('thing'),
    open: given.getAll('open').slice(0, maxOpen),
  };
}

export function fragmentOf(view: View): string {
  const params = new URLSearchParams();
  const texts = {
    namespace: view.namespace,
    state: view.states.join(','),
    identity: view.identity,
    search: view.search,
    as: view.isTable ? 'table' : '',
    columns: view.columns ?? '',
    thing: view.thing,
  };
  for (const [name, text] of Object.entries(texts)) if (text !== '') params.set(name, text);
  for (const group of view.open.slice(-maxOpen)) params.append('open', group);
  return params.toString();
}

/** The token that `kubectl azure-pod-identity ui` prints in the URL, and the fragment without it. */
export function takeToken(fragment: string): { readonly token: string | undefined; readonly rest: string } {
  const params = new URLSearchParams(fragment.replace(/^#/, ''));
  const token = params.get('token') ?? undefined;
  params.delete('token');
  return { token, rest: params.toString() };
}

export const isFiltered = ({ namespace, states: some, identity, search }: View): boolean =>
  namespace !== '' || some.length > 0 || identity !== '' || search !== '';
