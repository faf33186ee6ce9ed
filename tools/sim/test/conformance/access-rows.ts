import { expect } from 'vitest';
import { pod, sources, type Row, type Stage } from './row.ts';

const { accounts, authorization, rbac, reviews, staticPods } = sources;
const reviewPath = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
const rbacPath = '/apis/rbac.authorization.k8s.io/v1';
const lacksValidation = 'v1.36 of the kit validates and defaults no built-in kinds';
const withoutPlugin = {
  'v1.20': 'runs here without the admission plugin ServiceAccount',
  'v1.36': 'has no admission plugin ServiceAccount',
};
const mirror = { annotations: { 'kubernetes.io/config.mirror': 'hash' } };

interface Asked {
  readonly user?: string;
  readonly groups?: readonly string[];
}

/** A right on a thing of which no object exists. */
const right = (name = '/subscriptions/s/resourcegroups/g', more: object = {}) => ({
  verb: 'use',
  group: 'azure.example.com',
  resource: 'identities',
  name,
  ...more,
});

const review = (spec: object, more: object = {}) => ({
  apiVersion: 'authorization.k8s.io/v1',
  kind: 'SubjectAccessReview',
  spec,
  ...more,
});

async function isAllowed({ door }: Stage, asked: Asked, attributes: object = right()): Promise<boolean> {
  const body = review({ ...asked, resourceAttributes: attributes });
  const answer = await door.ask('POST', reviewPath, { body });
  expect(answer).toMatchObject({ status: 201, body: { kind: 'SubjectAccessReview' } });
  return (answer.body.status as unknown as { allowed: boolean }).allowed;
}

/** A real server obeys what it stored a moment later, for which there is no signal. */
async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited 20 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const untilAllowed = (stage: Stage, asked: Asked, attributes?: object) =>
  until(() => isAllowed(stage, asked, attributes), `${JSON.stringify({ asked, attributes })} is allowed`);

const untilRefused = (stage: Stage, asked: Asked) =>
  until(async () => !(await isAllowed(stage, asked)), `${JSON.stringify(asked)} is refused`);

const rule = (resourceNames?: readonly string[], more: object = {}) => ({
  apiGroups: ['azure.example.com'],
  resources: ['identities'],
  verbs: ['use'],
  ...(resourceNames && { resourceNames }),
  ...more,
});

const role = (name: string, rules: readonly object[]) => ({ metadata: { name }, rules });

const binding = (name: string, to: string, subjects: readonly object[]) => {
  const [kind, of] = to.split('/');
  return {
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: of },
    subjects: subjects.map((subject) => ({
      ...('namespace' in subject ? {} : { apiGroup: 'rbac.authorization.k8s.io' }),
      ...subject,
    })),
  };
};

async function make({ door }: Stage, path: string, body: object): Promise<void> {
  const answer = await door.ask('POST', `${rbacPath}/${path}`, { body });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
}

/** For the whole cluster, under a name of the row's own. */
async function grant(stage: Stage, subjects: readonly object[], rules: readonly object[]): Promise<void> {
  const { namespace } = stage;
  await make(stage, 'clusterroles', role(namespace, rules));
  await make(stage, 'clusterrolebindings', binding(namespace, `ClusterRole/${namespace}`, subjects));
}

const accountIn = (namespace: string, name = 'web') => ({
  user: `system:serviceaccount:${namespace}:${name}`,
  groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
});

/** Reviews of rights: who may do what, by RBAC. */
export const accessRows: readonly Row[] = [
  {
    sentence: 'a subject to whom nothing is granted may nothing',
    source: reviews,
    check: async (stage) => {
      const spec = { ...accountIn(stage.namespace), resourceAttributes: right() };
      const answer = await stage.door.ask('POST', reviewPath, { body: review(spec) });
      expect(answer).toMatchObject({
        status: 201,
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          spec: { user: spec.user, groups: spec.groups, resourceAttributes: right() },
          status: { allowed: false },
        },
      });
    },
  },
  {
    sentence:
      'a ClusterRoleBinding to the ServiceAccounts of a namespace grants the names of its role, slashes and all',
    source: rbac,
    check: async (stage) => {
      const { namespace } = stage;
      await grant(
        stage,
        [{ kind: 'Group', name: `system:serviceaccounts:${namespace}` }],
        [rule(['/subscriptions/s/resourcegroups/g'])],
      );
      await untilAllowed(stage, accountIn(namespace));
      const others = [
        right('/subscriptions/s/resourcegroups/g/'),
        right('/subscriptions/S/resourcegroups/g'),
        right('/subscriptions/s'),
        right(''),
        right('*'),
        right(undefined, { verb: 'get' }),
        right(undefined, { verb: '*' }),
        right(undefined, { group: '' }),
        right(undefined, { group: 'example.com' }),
        right(undefined, { resource: 'identities2' }),
        right(undefined, { resource: '*' }),
        right(undefined, { subresource: 'status' }),
      ];
      for (const attributes of others)
        expect(await isAllowed(stage, accountIn(namespace), attributes), JSON.stringify(attributes)).toBe(
          false,
        );
      expect(await isAllowed(stage, accountIn(`${namespace}-2`))).toBe(false);
      expect(await isAllowed(stage, { user: accountIn(namespace).user })).toBe(false);
      // What is granted everywhere is granted in each namespace too.
      expect(await isAllowed(stage, accountIn(namespace), right(undefined, { namespace }))).toBe(true);
    },
  },
  {
    sentence: 'a Role and a RoleBinding grant in their namespace, and nothing in the whole cluster',
    source: rbac,
    check: async (stage) => {
      const { namespace } = stage;
      const account = accountIn(namespace);
      const subjects = [{ kind: 'ServiceAccount', name: 'web', namespace }];
      const inside = `namespaces/${namespace}`;
      await make(stage, `${inside}/roles`, role('own', [rule()]));
      await make(stage, `${inside}/rolebindings`, binding('own', 'Role/own', subjects));
      await untilAllowed(stage, account, right(undefined, { namespace }));
      expect(await isAllowed(stage, account)).toBe(false);
      expect(await isAllowed(stage, account, right(undefined, { namespace: 'default' }))).toBe(false);
    },
  },
  {
    sentence: 'a RoleBinding to a ClusterRole with every right grants in its namespace only',
    source: rbac,
    check: async (stage) => {
      const { namespace } = stage;
      const account = accountIn(namespace, 'default');
      const all = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };
      await make(stage, 'clusterroles', role(namespace, [all]));
      const subjects = [{ kind: 'Group', name: `system:serviceaccounts:${namespace}` }];
      await make(
        stage,
        `namespaces/${namespace}/rolebindings`,
        binding('all', `ClusterRole/${namespace}`, subjects),
      );
      await untilAllowed(stage, account, right(undefined, { namespace }));
      expect(await isAllowed(stage, account)).toBe(false);
    },
  },
  {
    sentence: 'asterisks stand for all groups, all resources and all verbs, and for no name',
    source: rbac,
    check: async (stage) => {
      const subjects = (name: string) => [{ kind: 'User', name: `${name}-${stage.namespace}` }];
      const all = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };
      const rules = {
        group: rule(undefined, { apiGroups: ['*'] }),
        resource: rule(undefined, { resources: ['*'] }),
        verb: rule(undefined, { verbs: ['*'] }),
        all,
        prefix: rule(undefined, { apiGroups: ['azure.*', '*.example.com'] }),
        name: rule(['*', '/subscriptions/*', 'plain']),
      };
      for (const [name, one] of Object.entries(rules)) {
        const own = { ...stage, namespace: `${stage.namespace}-${name}` };
        await grant(own, subjects(name), [one, rule(['known'])]);
        await untilAllowed(stage, { user: `${name}-${stage.namespace}` }, right('known'));
      }
      const found = await Promise.all(
        Object.keys(rules).map(async (name) => [
          name,
          await isAllowed(stage, { user: `${name}-${stage.namespace}` }),
        ]),
      );
      expect(Object.fromEntries(found)).toEqual({
        group: true,
        resource: true,
        verb: true,
        all: true,
        prefix: false,
        name: false,
      });
    },
  },
  {
    sentence: 'resources of a rule mean these, not their subresources',
    source: rbac,
    check: async (stage) => {
      const user = `parts-${stage.namespace}`;
      const rules = [
        rule(undefined, { resources: ['identities'] }),
        rule(undefined, { resources: ['*/status'], verbs: ['patch'] }),
        rule(undefined, { resources: ['identities/keys'], verbs: ['list'] }),
      ];
      await grant(stage, [{ kind: 'User', name: user }], rules);
      await untilAllowed(stage, { user });
      const verdict = (verb: string, subresource: string) =>
        isAllowed(stage, { user }, right(undefined, { verb, subresource }));
      expect(await Promise.all([verdict('use', 'status'), verdict('use', 'keys')])).toEqual([false, false]);
      expect(await Promise.all([verdict('patch', 'status'), verdict('list', 'keys')])).toEqual([true, true]);
      expect(await Promise.all([verdict('patch', ''), verdict('list', 'status')])).toEqual([false, false]);
    },
  },
  {
    sentence: 'a rule with names grants no question without a name, one without names grants any',
    source: rbac,
    check: async (stage) => {
      const [some, any] = ['some', 'any'].map((name) => `${name}-${stage.namespace}`);
      await grant(stage, [{ kind: 'User', name: some }], [rule(['a'])]);
      const own = { ...stage, namespace: `${stage.namespace}-any` };
      await grant(own, [{ kind: 'User', name: any }], [rule([])]);
      await untilAllowed(stage, { user: some! }, right('a'));
      await untilAllowed(stage, { user: any! }, right('a'));
      expect(await isAllowed(stage, { user: some! }, right(''))).toBe(false);
      expect(await isAllowed(stage, { user: any! }, right(''))).toBe(true);
    },
  },
  {
    sentence:
      'a ServiceAccount is a user of its own name; users and groups of one name are not taken for each other',
    source: rbac,
    check: async (stage) => {
      const { namespace } = stage;
      const name = `somebody-${namespace}`;
      const subjects = [
        { kind: 'ServiceAccount', name: 'web', namespace },
        { kind: 'User', name },
        { kind: 'Group', name: `${name}-group` },
      ];
      await grant(stage, subjects, [rule()]);
      await untilAllowed(stage, { user: name });
      const asked: Readonly<Record<string, Asked>> = {
        account: accountIn(namespace),
        'account, by its user alone': { user: accountIn(namespace).user },
        group: { groups: [`${name}-group`] },
        'user in the group': { user: 'x', groups: ['y', `${name}-group`] },
        'another account': accountIn(namespace, 'web2'),
        'the account of another namespace': accountIn('default'),
        'group with the name of the user': { user: 'x', groups: [name] },
        'user with the name of the group': { user: `${name}-group` },
        'user with the name of the account': { user: 'web' },
      };
      const verdicts = Object.entries(asked).map(async ([who, one]) => [who, await isAllowed(stage, one)]);
      expect(Object.fromEntries(await Promise.all(verdicts))).toEqual({
        account: true,
        'account, by its user alone': true,
        group: true,
        'user in the group': true,
        'another account': false,
        'the account of another namespace': false,
        'group with the name of the user': false,
        'user with the name of the group': false,
        'user with the name of the account': false,
      });
    },
  },
  {
    sentence: 'what is taken back grants nothing any more, by its binding, its rule or its role',
    source: rbac,
    check: async (stage) => {
      const { door, namespace } = stage;
      const user = `past-${namespace}`;
      const path = `${rbacPath}/clusterroles/${namespace}`;
      await grant(stage, [{ kind: 'User', name: user }], [rule()]);
      await untilAllowed(stage, { user });
      await door.ask('PATCH', path, { body: { rules: [rule(['other'])] } });
      await untilRefused(stage, { user });
      await door.ask('PATCH', path, { body: { rules: [rule()] } });
      await untilAllowed(stage, { user });
      await door.ask('DELETE', path);
      await untilRefused(stage, { user });
      await make(stage, 'clusterroles', role(namespace, [rule()]));
      await untilAllowed(stage, { user });
      const own = `${rbacPath}/clusterrolebindings/${namespace}`;
      await door.ask('PATCH', own, { body: { subjects: [] } });
      await untilRefused(stage, { user });
      const back = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }];
      await door.ask('PATCH', own, { body: { subjects: back } });
      await untilAllowed(stage, { user });
      await door.ask('DELETE', own);
      await untilRefused(stage, { user });
    },
  },
  {
    sentence: 'paths that are no resources are granted by ClusterRoles, also from a beginning on',
    source: rbac,
    check: async (stage) => {
      const { door, namespace } = stage;
      const user = `paths-${namespace}`;
      const nonResourceURLs = [`/one-${namespace}`, `/many-${namespace}/*`];
      await grant(stage, [{ kind: 'User', name: user }], [{ nonResourceURLs, verbs: ['get'] }, rule()]);
      await untilAllowed(stage, { user });
      const verdict = async (path: string, verb = 'get') => {
        const body = review({ user, nonResourceAttributes: { path, verb } });
        const { status } = (await door.ask('POST', reviewPath, { body })).body;
        return (status as unknown as { allowed: boolean }).allowed;
      };
      expect(await verdict(`/one-${namespace}`)).toBe(true);
      expect(await verdict(`/many-${namespace}/a/b`)).toBe(true);
      expect(await verdict(`/one-${namespace}/a`)).toBe(false);
      expect(await verdict(`/one-${namespace}`, 'post')).toBe(false);
    },
  },
  {
    sentence: 'members of system:masters may do everything',
    source: `${rbac}#user-facing-roles`,
    check: async (stage) => {
      expect(await isAllowed(stage, { user: 'x', groups: ['system:masters'] })).toBe(true);
      expect(await isAllowed(stage, { user: 'system:masters' })).toBe(false);
    },
  },
  {
    sentence:
      'a ServiceAccount may ask for what its roles grant, and is told what it lacks for anything else',
    source: authorization,
    check: async (stage) => {
      const { door, namespace, core } = stage;
      const account = accountIn(namespace);
      const rules = [
        { apiGroups: [''], resources: ['configmaps'], verbs: ['list', 'watch', 'create'] },
        { apiGroups: [''], resources: ['configmaps'], verbs: ['get'], resourceNames: ['mine'] },
        { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get', 'patch', 'update', 'delete'] },
        rule(),
      ];
      await grant(stage, [{ kind: 'ServiceAccount', name: 'web', namespace }], rules);
      await untilAllowed(stage, account);
      const apps = `/apis/apps/v1/namespaces/${namespace}/deployments`;
      const body = {};
      const status = async (method: string, path: string) =>
        (await door.ask(method, path, { as: account.user, ...(method === 'GET' ? {} : { body }) })).status;
      const asked = {
        'GET all': await status('GET', '/api/v1/configmaps'),
        'GET its own': await status('GET', `${core}/configmaps/mine`),
        'GET another': await status('GET', `${core}/configmaps/other`),
        'DELETE all': await status('DELETE', `${core}/configmaps`),
        'GET a list without the right': await status('GET', apps),
        'GET one': await status('GET', `${apps}/none`),
        'DELETE one': await status('DELETE', `${apps}/none`),
        'PATCH a part': await status('PATCH', `${apps}/none/status`),
        'GET the namespace': await status('GET', `/api/v1/namespaces/${namespace}`),
        'GET what resources there are': await status('GET', '/apis'),
      };
      expect(asked).toEqual({
        'GET all': 200,
        'GET its own': 404,
        'GET another': 403,
        'DELETE all': 403,
        'GET a list without the right': 403,
        'GET one': 404,
        'DELETE one': 404,
        'PATCH a part': 403,
        'GET the namespace': 403,
        'GET what resources there are': 200,
      });
      const refusal = await door.ask('PATCH', `${apps}/none/status`, { as: account.user, body });
      expect(refusal.body).toEqual({
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        reason: 'Forbidden',
        code: 403,
        message: `deployments.apps "none" is forbidden: User "${account.user}" cannot patch resource "deployments/status" in API group "apps" in the namespace "${namespace}"`,
        details: { name: 'none', group: 'apps', kind: 'deployments' },
      });
      const everywhere = await door.ask('GET', '/api/v1/pods?watch=true', { as: account.user });
      expect(everywhere.body.message).toBe(
        `pods is forbidden: User "${account.user}" cannot watch resource "pods" in API group "" at the cluster scope`,
      );
    },
  },
  {
    sentence:
      'a review without a subject, without a question or with two, or with metadata is refused as Invalid',
    source: reviews,
    unlike: { 'v1.36': lacksValidation },
    check: async ({ door }) => {
      const resourceAttributes = right();
      const nonResourceAttributes = { path: '/x', verb: 'get' };
      const asked: readonly (readonly [object, readonly string[]])[] = [
        [review({ resourceAttributes }), ['spec.user']],
        [review({ user: '', groups: [], resourceAttributes }), ['spec.user']],
        [review({ user: 'x' }), ['spec.resourceAttributes']],
        [review({ user: 'x', resourceAttributes, nonResourceAttributes }), ['spec.nonResourceAttributes']],
        [review({ user: 'x', resourceAttributes }, { metadata: { name: 'mine' } }), ['metadata']],
        [review({}), ['spec.resourceAttributes', 'spec.user']],
      ];
      for (const [body, fields] of asked) {
        const answer = await door.ask('POST', reviewPath, { body });
        expect(answer, JSON.stringify(body)).toMatchObject({
          status: 422,
          body: { kind: 'Status', reason: 'Invalid', details: { group: 'authorization.k8s.io' } },
        });
        const found = answer.body.details.causes.map(({ field }) => field);
        expect(found.sort(), JSON.stringify(body)).toEqual(fields);
      }
    },
  },
  {
    sentence: 'a review that cannot be read is refused as BadRequest',
    source: reviews,
    check: async ({ door }) => {
      const resourceAttributes = right();
      const asked = [
        review({ user: 1, resourceAttributes }),
        review({ user: 'x', groups: 'y', resourceAttributes }),
        review({ user: 'x', groups: [1], resourceAttributes }),
        review({ user: 'x', resourceAttributes: { ...right(), name: 1 } }),
        review({ user: 'x', resourceAttributes: 'all' }),
        review({ user: 'x', resourceAttributes }, { kind: 'Pod' }),
        review({ user: 'x', resourceAttributes }, { apiVersion: 'v1' }),
        '{',
      ];
      for (const body of asked)
        expect(await door.ask('POST', reviewPath, { body }), JSON.stringify(body)).toMatchObject({
          status: 400,
          body: { kind: 'Status', reason: 'BadRequest' },
        });
    },
  },
  {
    sentence: 'reviews are answered and never kept: there is nothing to read, to list or to delete',
    source: reviews,
    check: async ({ door }) => {
      for (const method of ['GET', 'PUT', 'DELETE'])
        expect(await door.ask(method, reviewPath)).toMatchObject({
          status: 405,
          body: { reason: 'MethodNotAllowed' },
        });
      const { resources } = (await door.ask('GET', '/apis/authorization.k8s.io/v1')).body;
      expect(resources).toContainEqual({
        name: 'subjectaccessreviews',
        singularName: expect.any(String),
        namespaced: false,
        kind: 'SubjectAccessReview',
        verbs: ['create'],
      });
      const { groups } = (await door.ask('GET', '/apis')).body;
      expect(groups.map(({ name }) => name)).toContain('authorization.k8s.io');
    },
  },
  {
    sentence:
      'a role without what it grants, and a binding without a role or with a subject that is none, are Invalid',
    source: rbac,
    unlike: { 'v1.36': lacksValidation },
    check: async (stage) => {
      const { door, namespace } = stage;
      const bound = (changes: object, subject: object = { kind: 'User', name: 'x' }) => ({
        ...binding(namespace, `ClusterRole/${namespace}`, [subject]),
        ...changes,
      });
      const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'x' };
      const roles = [
        [rule(undefined, { verbs: [] })],
        [rule(undefined, { resources: [] })],
        [rule(undefined, { apiGroups: [] })],
        [{ ...rule(), nonResourceURLs: ['/x'] }],
      ];
      const bindings = [
        bound({ roleRef: { ...roleRef, name: '' } }),
        bound({ roleRef: { ...roleRef, name: 'a/b' } }),
        bound({ roleRef: { ...roleRef, kind: 'Role' } }),
        bound({ roleRef: { ...roleRef, apiGroup: 'x' } }),
        bound({}, { kind: 'ServiceAccount', name: 'x' }),
        bound({}, { kind: 'ServiceAccount', name: 'X', namespace: 'default' }),
        bound({}, { kind: 'ServiceAccount', name: 'x', namespace: 'default', apiGroup: 'y' }),
        bound({}, { kind: 'Group', name: '' }),
        bound({}, { kind: 'Group', name: 'x', apiGroup: 'y' }),
        bound({}, { kind: 'Pod', name: 'x' }),
      ];
      const refused = { status: 422, body: { reason: 'Invalid' } };
      for (const rules of roles)
        expect(
          await door.ask('POST', `${rbacPath}/clusterroles`, { body: role(namespace, rules) }),
          JSON.stringify(rules),
        ).toMatchObject(refused);
      for (const body of bindings)
        expect(
          await door.ask('POST', `${rbacPath}/clusterrolebindings`, { body }),
          JSON.stringify(body),
        ).toMatchObject(refused);
      const paths = { body: role('paths', [{ nonResourceURLs: ['/x'], verbs: ['get'] }]) };
      expect(await door.ask('POST', `${rbacPath}/namespaces/${namespace}/roles`, paths)).toMatchObject(
        refused,
      );
    },
  },
  {
    sentence: 'the role of a binding stays the one that it was made for',
    source: `${rbac}#clusterrolebinding-example`,
    unlike: { 'v1.36': lacksValidation },
    check: async (stage) => {
      const { door, namespace } = stage;
      await grant(stage, [{ kind: 'User', name: 'x' }], [rule()]);
      const path = `${rbacPath}/clusterrolebindings/${namespace}`;
      const answer = await door.ask('PATCH', path, { body: { roleRef: { name: 'another' } } });
      expect(answer).toMatchObject({
        status: 422,
        body: { reason: 'Invalid', details: { causes: [{ field: 'roleRef' }] } },
      });
    },
  },
  {
    sentence: 'a binding is told the API group of its role and of its subjects when it leaves it out',
    source: rbac,
    unlike: { 'v1.36': lacksValidation },
    check: async ({ door, namespace }) => {
      const subjects = [
        { kind: 'User', name: 'x' },
        { kind: 'Group', name: 'y' },
        { kind: 'ServiceAccount', name: 'z', namespace },
      ];
      const roleRef = { kind: 'ClusterRole', name: 'none' };
      const body = { metadata: { name: namespace }, roleRef, subjects };
      const apiGroup = 'rbac.authorization.k8s.io';
      const answer = await door.ask('POST', `${rbacPath}/clusterrolebindings`, { body });
      expect(answer.body).toMatchObject({
        roleRef: { ...roleRef, apiGroup },
        subjects: [{ ...subjects[0], apiGroup }, { ...subjects[1], apiGroup }, subjects[2]],
      });
    },
  },
  {
    sentence: 'the old name of the field of a pod for its ServiceAccount means the same, the new one wins',
    source: accounts,
    unlike: { 'v1.36': lacksValidation },
    check: async ({ door, core }) => {
      const made = async (name: string, spec: object) =>
        (await door.ask('POST', `${core}/pods`, { body: pod(name, spec) })).body.spec;
      expect(await made('old', { serviceAccount: 'a' })).toMatchObject({ serviceAccountName: 'a' });
      expect(await made('new', { serviceAccountName: 'b' })).toMatchObject({
        serviceAccountName: 'b',
        serviceAccount: 'b',
      });
      expect(await made('both', { serviceAccountName: 'b', serviceAccount: 'a' })).toMatchObject({
        serviceAccountName: 'b',
        serviceAccount: 'b',
      });
    },
  },
  {
    sentence: 'a pod that names no ServiceAccount runs as that of the name default',
    source: accounts,
    unlike: withoutPlugin,
    check: async ({ door, core }) => {
      const { body } = await door.ask('POST', `${core}/pods`, { body: pod('plain') });
      expect(body.spec).toMatchObject({ serviceAccountName: 'default', serviceAccount: 'default' });
    },
  },
  {
    sentence: 'a mirror pod, which a kubelet creates for a static pod, has no ServiceAccount',
    source: staticPods,
    check: async ({ door, core }) => {
      const given = pod('static', { nodeName: 'n1' }, mirror);
      const { status, body } = await door.ask('POST', `${core}/pods`, { body: given });
      expect(status).toBe(201);
      expect(body.spec).not.toHaveProperty('serviceAccountName');
    },
  },
  {
    sentence: 'a mirror pod that names a ServiceAccount is refused',
    source: staticPods,
    unlike: withoutPlugin,
    check: async ({ door, core }) => {
      const given = pod('static', { nodeName: 'n1', serviceAccountName: 'web' }, mirror);
      const { status, body } = await door.ask('POST', `${core}/pods`, { body: given });
      expect([status, body.message]).toEqual([
        403,
        'pods "static" is forbidden: a mirror pod may not reference service accounts',
      ]);
    },
  },
];
