// Rights on identities as objects, and what the roles among some objects grant, in the simulator's words for the rights that were used.
import { rolesFor } from '@pod-identity/crd-types';
import { targetsOf } from '../../packages/nmi/test/access-stage.ts';
import type { KubeObject } from '../stage/objects.ts';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}
interface Binding extends KubeObject {
  readonly roleRef: { readonly kind: string; readonly name: string };
  readonly subjects: readonly { readonly name: string }[];
}

export function grantedTo(account: string, objects: readonly KubeObject[]): string[] {
  const roles = objects
    .filter((object): object is Binding => object.kind.endsWith('RoleBinding'))
    .filter(({ subjects }) => subjects.some(({ name }) => name === account))
    .map(({ roleRef }) =>
      objects.find(({ kind, metadata }) => kind === roleRef.kind && metadata.name === roleRef.name),
    );
  return roles.flatMap((role) => (role?.['rules'] as readonly Rule[]).flatMap(namesOf)).sort();
}

/** As the simulator names what was used. */
function namesOf({ apiGroups, resources, verbs }: Rule): string[] {
  return apiGroups.flatMap((apiGroup) =>
    resources.flatMap((resource) => {
      const [plural = '', part] = resource.split('/');
      const type = apiGroup === '' ? plural : `${plural}.${apiGroup}`;
      return verbs.map((verb) => `${verb} ${type}${part === undefined ? '' : `/${part}`}`);
    }),
  );
}

/** Grants the right on what an AzureIdentity with this spec stands for. */
export function grantObjects(
  namespace: string,
  accounts: readonly string[],
  spec: object,
): readonly KubeObject[] {
  const subjects = accounts.map((name) => ({ namespace, name }));
  return rolesFor({ subjects, targets: targetsOf(spec) }).objects.map((object) => ({ ...object }));
}
