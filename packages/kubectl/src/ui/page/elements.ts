// Elements of the page. What the cluster says gets into it through here alone, as text.
import type { Remedy } from '@pod-identity/policy';
import { cleanText, copiedText } from './text.ts';

type Child = Node | string | undefined;
type Attributes = Readonly<Record<string, string | EventListener>>;

/** Functions listen to the event of that name. */
export function make<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes))
    if (typeof value === 'string') element.setAttribute(key, value);
    else element.addEventListener(key, value);
  const shown = children.filter((child) => child !== undefined);
  element.append(...shown.map((child) => (typeof child === 'string' ? cleanText(child) : child)));
  return element;
}

export const button = (text: string, click: () => void, attributes: Attributes = {}): HTMLButtonElement =>
  make('button', { type: 'button', click, ...attributes }, ...breakable(text));

/** A name may break behind its namespace. */
export const breakable = (text: string): readonly Child[] =>
  text.split(/(?<=\/)/).flatMap((part, at) => (at === 0 ? [part] : [make('wbr'), part]));

export const mark = (state: string): HTMLElement => make('span', { class: `state ${state}` }, state);

export interface Item {
  readonly key: string;
  /** The element is made again when it changes. */
  readonly content: unknown;
  readonly make: () => HTMLElement;
}

/** `few` items at first and with each press of `more`: thousands of elements hold up the page. */
export function createList(parent: HTMLElement, few: number) {
  let made: ReadonlyMap<string, { readonly content: string; readonly element: HTMLElement }> = new Map();
  let [all, most]: [readonly Item[], number] = [[], few];
  const show = (items: readonly Item[]): void => {
    all = items;
    const focused = focusedIn(parent);
    const entries = items.slice(0, most).map(({ key, content: of, make: create }) => {
      const content = JSON.stringify(of);
      const before = made.get(key);
      return [key, before?.content === content ? before : { content, element: create() }] as const;
    });
    made = new Map(entries);
    arrange(parent, new Set(Array.from(made.values(), ({ element }) => element)));
    more.hidden = items.length <= most;
    more.textContent = `Show more (${items.length - most} are not shown)`;
    if (focused !== undefined && focusedIn(parent) === undefined) focusIn(parent, focused);
  };
  const more = button('', () => {
    most += few;
    show(all);
  });
  return { show, more };
}

/** What stays is not touched: it keeps the focus and the selection. */
function arrange(parent: HTMLElement, elements: ReadonlySet<Element>): void {
  for (const element of [...parent.children]) if (!elements.has(element)) element.remove();
  let at = parent.firstElementChild;
  for (const element of elements)
    if (element === at) at = at.nextElementSibling;
    else parent.insertBefore(element, at);
}

function focusedIn(parent: HTMLElement): string | undefined {
  const { activeElement } = document;
  return activeElement instanceof HTMLElement && parent.contains(activeElement)
    ? activeElement.dataset['key']
    : undefined;
}

export const focusIn = (parent: ParentNode, key: string): void =>
  parent.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });

export function remedyView({ text, paste, command }: Remedy): HTMLElement {
  return make(
    'div',
    { class: 'remedy' },
    make('p', {}, make('strong', {}, 'Remedy: '), text),
    ...(paste === undefined
      ? []
      : [make('p', { class: 'soft' }, 'For kubectl apply -f -, then press Ctrl-D:')]),
    ...[paste, command].flatMap((part) =>
      part === undefined ? [] : [make('div', {}, make('pre', {}, part.trimEnd()), copyButton(part))],
    ),
  );
}

function copyButton(text: string): HTMLElement {
  const say = (word: string) => () => (copy.textContent = word);
  const write = () => navigator.clipboard.writeText(copiedText(text));
  const copy = button('Copy', () => void write().then(say('Copied'), say('Not allowed: select the text')), {
    'aria-live': 'polite',
  });
  return copy;
}
