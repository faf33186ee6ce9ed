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

export interface Item {
  readonly key: string;
  /** The element is made again when it changes. */
  readonly content: unknown;
  readonly make: () => HTMLElement;
}

/** Elements that stay the same are not touched: they keep their place, the focus and the selection. */
export function createList(parent: HTMLElement): (items: readonly Item[]) => void {
  let known = new Map<string, { readonly content: string; readonly element: HTMLElement }>();
  return (items) => {
    const focused = parent.contains(document.activeElement) ? focusKey(document.activeElement) : undefined;
    const next: typeof known = new Map();
    for (const { key, content, make: create } of items) {
      const text = JSON.stringify(content);
      const before = known.get(key);
      next.set(key, before?.content === text ? before : { content: text, element: create() });
    }
    const kept = new Set([...next.values()].map(({ element }) => element));
    for (const { element } of known.values()) if (!kept.has(element)) element.remove();
    let at = parent.firstElementChild;
    for (const element of kept)
      if (element === at) at = at.nextElementSibling;
      else parent.insertBefore(element, at);
    known = next;
    if (focused !== undefined && !parent.contains(document.activeElement))
      parent
        .querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)
        ?.focus({ preventScroll: true });
  };
}

const focusKey = (element: Element | null): string | undefined =>
  element instanceof HTMLElement ? element.dataset['key'] : undefined;

export function remedyView({ text, paste, command }: Remedy): HTMLElement {
  const parts = [paste, command].filter((part) => part !== undefined);
  return make(
    'div',
    { class: 'remedy' },
    make('p', {}, make('strong', {}, 'Remedy: '), text),
    ...(paste === undefined
      ? []
      : [make('p', { class: 'soft' }, 'For kubectl apply -f -, then press Ctrl-D:')]),
    ...parts.map((part) => make('div', {}, make('pre', {}, part.trimEnd()), copyButton(part))),
  );
}

function copyButton(text: string): HTMLElement {
  const say = (word: string) => () => (copy.textContent = word);
  const copy = button(
    'Copy',
    () =>
      void navigator.clipboard
        .writeText(copiedText(text))
        .then(say('Copied'), say('Not allowed here: select the text')),
  );
  copy.setAttribute('aria-live', 'polite');
  return copy;
}

export const mark = (state: string): HTMLElement => make('span', { class: `state ${state}` }, state);
