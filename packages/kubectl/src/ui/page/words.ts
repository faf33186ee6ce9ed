import type { Column, State, Thing } from '../picture.ts';

export const columns: readonly Column[] = ['serviceAccount', 'pod', 'binding', 'identity', 'host'];
export const states: readonly State[] = ['refused', 'waiting', 'unknown', 'ready', 'unused'];

export const columnTitles: Readonly<Record<Column, string>> = {
  serviceAccount: 'ServiceAccounts',
  pod: 'Pods',
  binding: 'Bindings',
  identity: 'Identities',
  host: 'Hosts and broker',
};

const kindNames: Readonly<Record<Column, string>> = {
  serviceAccount: 'ServiceAccount',
  pod: 'pod',
  binding: 'AzureIdentityBinding',
  identity: 'AzureIdentity',
  host: 'host',
};

/** Names and messages in pages and SVG: without characters that XML forbids or that control a terminal or the direction of text. */
export const cleanText = (text: string): string =>
  text.replaceAll(/(?![\t\n\r])[\p{Cc}\u202a-\u202e\u2066-\u2069\ufffe\uffff]/gu, '\ufffd').toWellFormed();

/** For the clipboard, from where each control character is a key for a terminal: a tab completes words, a return ends the line. */
export const copiedText = (text: string): string => cleanText(text).replaceAll(/[\t\r]/g, '\ufffd');

/** `shop/web-0`; hosts have no namespace. */
export const fullName = ({ namespace, name }: Pick<Thing, 'namespace' | 'name'>): string =>
  namespace === undefined ? name : `${namespace}/${name}`;

/** The kind of a thing as its owner knows it: a broker is in the column of hosts. */
export const kindOf = ({ id, column }: Pick<Thing, 'id' | 'column'>): string =>
  id.startsWith('broker:') ? 'broker' : kindNames[column];

/** Higher needs attention more. */
const severity: Readonly<Record<State, number>> = { refused: 4, waiting: 3, unknown: 2, ready: 1, unused: 0 };

/** The state that needs attention most. */
export const worse = (one: State, other: State): State => (severity[one] >= severity[other] ? one : other);

/** As kubectl sorts names. The order of a locale takes ten times as long. */
export const compareNames = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
