import {
  bindingLabel,
  mostBindingsPerNamespace,
  type Mismatch,
  type MismatchReason,
} from '@pod-identity/crd-types';
import { info, problem, type Finding, type Remedy } from './finding.ts';
import { copyInto, labelCommand, relabel, type Lookup } from './lookup.ts';

/** By reason. Objects are named `namespace/name`. */
interface Details {
  /** The pod has no ServiceAccount. */
  'no-account': object;
  'no-label': OfLabel;
  'empty-label': OfLabel;
  'no-binding': Surplus & { readonly label: string };
  /** `binding`: of the pod's own namespace. `condition`: the one of its conditions that does not hold for the pod. */
  'not-selected': Surplus & { readonly binding: string; readonly condition?: string | undefined };
  /**
   * `binding`, `identity`: for `explain` alone. `labelsFault`: why the labels of the pod's Namespace are not known, so that it accepts no
   * other one.
   */
  'other-namespace': Partial<Named> & { readonly labelsFault?: string };
  /** The binding names an AzureIdentity that its namespace lacks. */
  'identity-missing': Named;
  /** `fault`: why the AzureIdentity cannot be used; a part of a sentence. `binding`: for `explain` alone. */
  'identity-invalid': { readonly identity: string; readonly fault: string; readonly binding?: string };
}

/** `surplus`: the first binding of the pod's namespace that does not count, since there are too many; it or a later one may select the pod. Set by NMI alone. */
interface Surplus {
  readonly surplus?: string;
}

/** `isUnselected`: bindings of the pod's namespace select pods without the label, but not this one. */
interface OfLabel extends Surplus {
  readonly isUnselected?: boolean;
}

interface Named {
  readonly binding: string;
  readonly identity: string;
}

type Why = keyof Details;
type Of<W extends Why> = { readonly why: W } & Readonly<Details[W]>;
/** Why a pod has no identity, or why a binding gives it none. */
export type Unbound = { [W in Why]: Of<W> }[Why];

/** What either service knows beside the mismatch. */
export interface UnboundContext {
  /** Of the pod; '' if it has none. */
  readonly label: string;
  /** What is wrong with the AzureIdentity; undefined if there is none. */
  readonly faultOf: (identity: string) => string | undefined;
  /** Why the labels of the pod's Namespace are not known. */
  readonly labelsFault: string | undefined;
  readonly isUnselected?: boolean;
  readonly conditionOf?: (binding: string) => string | undefined;
}

type UnboundReason = Exclude<MismatchReason, 'shadowed' | 'too-many-bindings'>;

/** Undefined: the binding adds nothing, or there are too many. */
export function unboundBy(mismatch: Mismatch, known: UnboundContext): Unbound | undefined {
  const { reason } = mismatch;
  return isUnbound(reason) ? fromMismatch[reason](mismatch, known) : undefined;
}

const isUnbound = (reason: MismatchReason): reason is UnboundReason => Object.hasOwn(fromMismatch, reason);

const fromMismatch: Readonly<Record<UnboundReason, (mismatch: Mismatch, known: UnboundContext) => Unbound>> =
  {
    'no-account': () => ({ why: 'no-account' }),
    'no-label': (_, { isUnselected }) => ({ why: 'no-label', ...(isUnselected && { isUnselected }) }),
    'empty-label': (_, { isUnselected }) => ({ why: 'empty-label', ...(isUnselected && { isUnselected }) }),
    'no-binding': (_, { label }) => ({ why: 'no-binding', label }),
    'other-namespace': ({ binding, identity }, { labelsFault }) => ({
      why: 'other-namespace',
      ...(binding !== undefined && identity !== undefined && { binding, identity }),
      ...(labelsFault !== undefined && { labelsFault }),
    }),
    'not-selected': ({ binding = '' }, { conditionOf }) => ({
      why: 'not-selected',
      binding,
      condition: conditionOf?.(binding),
    }),
    'identity-missing': ({ binding = '', identity = '' }, { faultOf }) => {
      const fault = faultOf(identity);
      return fault === undefined
        ? { why: 'identity-missing', binding, identity }
        : { why: 'identity-invalid', binding, identity, fault };
    },
  };

/** The words for one reason. Parts of sentences. */
interface Words {
  readonly topic: Finding['topic'];
  readonly fact: string;
  /** What to do, also for the pod, whose responses are short. */
  readonly advice?: string;
  /** What else may be the cause. */
  readonly or?: readonly string[];
  /** What to do, for `explain` only. */
  readonly steps?: string;
  readonly paste?: string;
  readonly command?: string;
}

interface Reader {
  /** `namespace/name`. */
  readonly pod: string;
  /** The pod, in the middle of a sentence. */
  readonly the: string;
  /** Whether the reader may know objects of other namespaces. */
  readonly all: boolean;
  readonly lookup?: Lookup;
}

type Wording<W extends Why> = (unbound: Of<W>, reader: Reader) => Words;

const wordsFor: { readonly [W in Why]: Wording<W> } = {
  'no-account': (_, { the }) => ({
    topic: 'pod',
    fact: `${the} has no ServiceAccount, and only pods with one get an identity; static pods have none`,
    advice:
      'run it by a Deployment or a DaemonSet instead, or set spec.serviceAccountName if the cluster does not do so',
  }),
  'no-label': (unbound, reader) => ({
    ...aboutLabel(unbound, reader, 'give it one whose value is the selector of an AzureIdentityBinding'),
    fact: `${reader.the} has no label ${bindingLabel}${butUnselected(unbound)}`,
  }),
  'empty-label': (unbound, reader) => ({
    ...aboutLabel(unbound, reader, 'its value must be the selector of an AzureIdentityBinding'),
    fact: `the label ${bindingLabel} of ${reader.the} is empty${butUnselected(unbound)}`,
  }),
  'no-binding': ({ label, surplus }, { pod, the, lookup }) => ({
    topic: 'binding',
    fact: `no AzureIdentityBinding has the selector '${label}', which is the label ${bindingLabel} of ${the}`,
    or: beyond(surplus),
    ...relabel(pod, label, lookup),
  }),
  'other-namespace': ({ binding = '', identity = '', labelsFault }, { the, all, lookup }) => ({
    topic: 'namespace',
    fact: all
      ? `${binding} selects ${the}, but AzureIdentity ${identity} is for pods of its own namespace only`
      : `the bindings or identities for the label ${bindingLabel} of ${the} are in another namespace and only for pods of that namespace`,
    advice: 'create AzureIdentity and AzureIdentityBinding in the namespace of the pod',
    ...copyInto(lookup),
    or:
      labelsFault === undefined
        ? []
        : [
            `its Namespace accepts them by a label that is not read: ${labelsFault}; remove some of its labels`,
          ],
  }),
  'not-selected': ({ binding, condition, surplus }, { pod, the }) => ({
    topic: 'binding',
    fact:
      `AzureIdentityBinding ${binding} has the label ${bindingLabel} of ${the} as its selector, but its ` +
      `${condition ?? 'podSelector or serviceAccountName'} is for other pods`,
    or: beyond(surplus),
    steps: 'change the binding, or the pod in its template',
    command: `kubectl get azureidentitybindings --namespace ${namespaceOf(pod)} --output yaml`,
  }),
  'identity-missing': ({ binding, identity }, reader) => ({
    topic: 'identity',
    fact: mayKnow(binding, reader)
      ? `AzureIdentityBinding ${binding} names AzureIdentity ${identity}, which does not exist`
      : `an AzureIdentityBinding for ${reader.the} names an AzureIdentity that does not exist`,
    steps: 'create it in the namespace of its binding, or correct spec.azureIdentity of the binding',
  }),
  'identity-invalid': ({ identity, fault, binding = '' }, reader) => {
    const topic = 'identity';
    if (reader.all) {
      const fact = `AzureIdentityBinding ${binding} names AzureIdentity ${identity}, which is not valid`;
      return { topic, fact, advice: fault };
    }
    return mayKnow(identity, reader)
      ? { topic, fact: `AzureIdentity ${identity} is not valid`, advice: fault }
      : {
          topic,
          fact: `the AzureIdentity that is bound to ${reader.the} is not valid; its conditions say why`,
        };
  },
};

function wordsOf<W extends Why>(unbound: Of<W>, reader: Reader): Words {
  const wording: Wording<W> = wordsFor[unbound.why];
  return wording(unbound, reader);
}

function mayKnow(object: string, { pod, all }: Reader): boolean {
  return all || namespaceOf(object) === namespaceOf(pod);
}

function aboutLabel(
  { isUnselected, surplus }: OfLabel,
  { pod, lookup }: Reader,
  usual: string,
): Omit<Words, 'fact'> {
  const [only = 'SELECTOR', ...others] = new Set(lookup?.selectors);
  const advice = isUnselected === true ? 'give it the label, or create such a binding' : usual;
  return {
    topic: 'label',
    advice,
    or: beyond(surplus),
    steps: `${advice}; change the template of the pod too`,
    command: labelCommand(pod, others.length === 0 ? only : 'SELECTOR'),
  };
}

function butUnselected({ isUnselected }: OfLabel): string {
  return isUnselected === true
    ? ', and no AzureIdentityBinding of its namespace selects it by podSelector or serviceAccountName'
    : '';
}

function beyond(surplus: string | undefined): readonly string[] {
  return surplus === undefined ? [] : [`there are ${tooMany(surplus)}: ${tooManyRemedy}`];
}

const tooMany = (binding: string) =>
  `too many AzureIdentityBindings: ${binding} and later ones over the same limit don't count. The limit is ${mostBindingsPerNamespace} that select a pod, and ${mostBindingsPerNamespace} of a namespace with podSelector or serviceAccountName`;
const tooManyRemedy =
  'delete bindings, or give pods that need different identities different labels and select them by these';

/**
 * The text for MIC's Event and for NMI's response and Event, with the remedy. It starts with the words of IMDS, which SDKs look for. Names
 * of objects in other namespaces are left out, since the pod's owner may not be allowed to see them.
 */
export function explainUnbound(pod: string, unbound: Unbound): string {
  return `Identity not found. ${whyUnbound(pod, unbound)}`;
}

/** The same without "Identity not found.", for a pod that may still get its identity. */
export function whyUnbound(pod: string, unbound: Unbound): string {
  const { fact, advice, or = [] } = wordsOf(unbound, { pod, the: `pod ${pod}`, all: false });
  const sentence = advice === undefined ? capital(fact) : `${capital(fact)}: ${advice}`;
  return [sentence, ...or.map((cause) => `Or ${cause}`)].map((text) => `${text}.`).join(' ');
}

/** The same for `explain` of both programs, whose reader may see all objects. */
export function unboundFinding(pod: string, unbound: Unbound, lookup: Lookup = {}): Finding {
  const words = wordsOf(unbound, { pod, the: 'the pod', all: true, lookup });
  return problem(words.topic, words.fact, remedyOf(words));
}

function remedyOf({ advice, steps, or = [], paste, command }: Words): Remedy | undefined {
  const first = steps ?? advice;
  if (first === undefined) return undefined;
  const text = [first, ...or.map((cause) => `or ${cause}`)].join('; ');
  return { text, ...(paste !== undefined && { paste }), ...(command !== undefined && { command }) };
}

/** Why the pod gets nothing, or not more, by one binding. */
export function explainMismatch(
  pod: string,
  mismatch: Mismatch,
  known: UnboundContext & { readonly lookup?: Lookup },
): Finding {
  const unbound = unboundBy(mismatch, known);
  return unbound ? unboundFinding(pod, unbound, known.lookup) : spareFinding(mismatch);
}

/** A binding that selects the pod and gives it nothing more, or one that does not count. */
export function spareFinding({ reason, binding = '', identity = '' }: Spare): Finding {
  return reason === 'shadowed'
    ? info('binding', `${binding} adds nothing: an identity of the same name as ${identity} matched already`)
    : problem('binding', tooMany(binding), { text: tooManyRemedy });
}

type Spare = Partial<Named> & { readonly reason: string };

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function namespaceOf(object: string): string {
  return object.split('/', 1)[0] ?? '';
}
