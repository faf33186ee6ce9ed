import { info, inMic, ok, problem, rightFinding, unknownRightFinding, waiting } from '@pod-identity/policy';
import { describe, expect, it } from 'vitest';
import { composeStory, needsBroker, type Sides } from './story.ts';

const at = ok('pod', 'Running on node-1');
const address = ok('address', '10.0.0.1 is the pod’s alone');
const label = ok('label', 'aadpodidbinding=reader');
const binding = ok('binding', 'shop/reader selects the pod and names AzureIdentity shop/reader');
const host = ok('host', 'vm carries it, attached by MIC');
const rules = info('pod', 'looked at with identities of any namespace; everybody may');
const use = { identity: 'shop/reader', subject: { namespace: 'shop', name: 'web' } };
const right = rightFinding(use);
const onlyImds = info('host', 'only the metadata service of node-1 knows', {
  text: 'ask',
  command: 'mic explain NAMESPACE/POD',
});
const given = ok('result', 'the pod gets a token');
const answer = { selector: '', status: 200, text: 'a token' };

const sides: Sides = {
  nmi: {
    pod: 'shop/web',
    findings: [at, address, label, binding, right, onlyImds, rules],
    responses: [answer],
    result: given,
    isKnown: true,
  },
  mic: {
    findings: [label, info('access', 'everybody may'), binding, right, host],
    result: ok('result', 'the pod gets tokens'),
  },
  isRightUnknown: false,
  notes: [],
  records: [],
  services: [ok('node', 'NMI runs on node-1')],
};
const linesOf = (of: Sides) => composeStory(of).findings.map(({ topic, text }) => `${topic}: ${text}`);

describe('a story', () => {
  it('names its pod in commands that are for any pod', () => {
    const findings = [info('host', 'unseen', { text: 'look', command: inMic('explain NAMESPACE/POD') })];
    const { findings: told } = composeStory({ ...sides, mic: { findings, result: given } });
    expect(told.flatMap(({ remedy }) => remedy?.command ?? [])).toEqual([inMic('explain shop/web')]);
  });

  it('has what both sides say once, in the order in which a token comes about', () => {
    expect(linesOf(sides)).toEqual([
      'pod: Running on node-1',
      'address: 10.0.0.1 is the pod’s alone',
      'label: aadpodidbinding=reader',
      'binding: shop/reader selects the pod and names AzureIdentity shop/reader',
      'access: ServiceAccount shop/web may use AzureIdentity shop/reader',
      'host: vm carries it, attached by MIC',
      'pod: looked at with identities of any namespace; everybody may',
      'node: NMI runs on node-1',
      'answer: without selector: 200, a token',
    ]);
    expect(composeStory(sides)).toMatchObject({ pod: 'shop/web', result: given, isKnown: true });
  });

  it('has NMI’s side alone where MIC’s is not known, with commands for this pod', () => {
    const { findings } = composeStory({ ...sides, mic: undefined });
    expect(findings.find(({ topic }) => topic === 'host')?.remedy?.command).toBe('mic explain shop/web');
  });

  it.each([
    ['MIC still attaches', { mic: { findings: [], result: waiting('result', 'will get') } }, 'waiting'],
    ['MIC cannot', { mic: { findings: [], result: problem('result', 'not') } }, 'problem'],
    ['NMI refuses', { nmi: { ...sides.nmi, result: problem('result', 'no token') } }, 'problem'],
    ['NMI does not run', { services: [problem('node', 'NMI has no pod')] }, 'problem'],
    ['MIC does not run', { services: [waiting('record', 'MIC does not run')] }, 'ok'],
  ])('ends with the worst: %s', (_, other: Partial<Sides>, verdict) => {
    expect(composeStory({ ...sides, ...other }).result.verdict).toBe(verdict);
  });
});

describe('where the user cannot see a right', () => {
  const open = unknownRightFinding(use, 'the API server does not say');
  const unseen: Sides = {
    ...sides,
    isRightUnknown: true,
    nmi: {
      ...sides.nmi,
      findings: [at, binding, open],
      responses: [{ ...answer, status: 503 }],
      result: problem('result', 'the pod gets no token'),
    },
    mic: { findings: [unknownRightFinding(use, 'MIC waits')], result: waiting('result', 'will get') },
  };

  it('nothing is promised or denied, and MIC’s own doubt is not invented', () => {
    expect(composeStory(unseen)).toMatchObject({ isKnown: false, result: { verdict: 'waiting' } });
    expect(linesOf(unseen).filter((line) => /^answer|MIC waits/.test(line))).toEqual([]);
  });

  it('what MIC has assigned shows it', () => {
    const records = [ok('record', 'AzureAssignedIdentity shop/x is Assigned')];
    expect(composeStory({ ...unseen, records })).toMatchObject({ isKnown: true, result: { verdict: 'ok' } });
  });

  it('what MIC has assigned shows nothing of a Secret that may not be read', () => {
    const records = [ok('record', 'AzureAssignedIdentity shop/x is Assigned')];
    const findings = [
      ...unseen.nmi.findings,
      waiting('identity', 'whether Secret shop/app exists is not known'),
    ];
    expect(composeStory({ ...unseen, nmi: { ...unseen.nmi, findings }, records })).toMatchObject({
      isKnown: false,
      result: { verdict: 'waiting' },
    });
  });

  it('another problem is one nevertheless', () => {
    const findings = [...unseen.nmi.findings, problem('address', 'is also that of shop/other')];
    const story = composeStory({ ...unseen, nmi: { ...unseen.nmi, findings } });
    expect(story).toMatchObject({ isKnown: true, result: { verdict: 'problem' } });
  });
});

it('a federated identity needs the broker', () => {
  const command =
    'kubectl -n aad-pod-identity-broker exec deploy/broker -- node /app/nmi.js check-federated t/c';
  const federated = info('identity', 'only the broker can see', { text: 'look', command });
  expect([needsBroker({ findings: [federated] }), needsBroker(sides.nmi)]).toEqual([true, false]);
});
