// The application of these tests: a pod that requests tokens from the metadata address and reports each result.
import type { KubeObject } from '../../stage/objects.ts';
import * as names from '../../stage/names.ts';
import { reportsUrl } from './places-of-azure.ts';

const nmiImage = 'your-registry.invalid/aad-pod-identity/nmi:0.1.0';

/** Prints and reports `200 APPLICATION`, as the token itself says, `STATUS TEXT` of a refusal, or `error CODE`. */
const program = `
const { get, request } = require('node:http');
const { POD, REPORTS, PAUSE_MS, TIMES, LIVES_MS } = process.env;
const url = 'http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net';
let told = [];
// The first result is reported at once, those of the next 100 ms together: a connection for each would double the load on the machine.
let isSending = false;
let hasReportedToken = false;
function tell(line) {
  console.log(line);
  told.push(line);
  send();
}
function send() {
  if (!REPORTS || isSending || told.length === 0) return;
  isSending = true;
  const lines = told.splice(0);
  const again = (rest, ms) => setTimeout(() => { told = [...rest, ...told]; isSending = false; send(); }, ms);
  const sent = request(REPORTS + '/' + POD, { method: 'POST', agent: false }, (response) => {
    response.resume().once('end', () => {
      hasReportedToken ||= lines.some((line) => line.startsWith('200 '));
      again([], 100);
    });
  });
  sent.once('error', () => again(lines, 300)).end(lines.join('\\n'));
}
function read(status, body) {
  try {
    const { access_token, error_description } = JSON.parse(body);
    if (status !== 200) return status + ' ' + error_description;
    return '200 ' + JSON.parse(Buffer.from(access_token.split('.')[1], 'base64url')).appid;
  } catch {
    return status + ' ' + body.slice(0, 100);
  }
}
let left = Number(TIMES || Infinity);
function ask() {
  let isOver = false;
  const over = (line) => {
    if (isOver) return;
    isOver = true;
    tell(line);
    if (line.startsWith('200 ')) left -= 1;
    if (left > 0) setTimeout(ask, Number(PAUSE_MS));
  };
  get(url, { headers: { Metadata: 'true' }, agent: false, timeout: 60_000 }, (response) => {
    let body = '';
    response.setEncoding('utf8').on('data', (part) => { body += part; });
    response.once('error', (error) => over('error ' + error.code));
    response.once('end', () => over(read(response.statusCode, body)));
  }).once('error', (error) => over('error ' + (error.code || error.message)))
    .once('timeout', function () { this.destroy(new Error('timeout')); });
}
ask();
// The pod runs on when it has its tokens.
setInterval(() => undefined, 60_000);
if (LIVES_MS) setTimeout(() => setInterval(() => { if (hasReportedToken) process.exit(0); }, 50), Number(LIVES_MS));
`;

export interface AskingSpec {
  readonly name: string;
  readonly namespace?: string;
  /** The value of aadpodidbinding; undefined: no such label. */
  readonly label?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Default: the scheduler chooses. */
  readonly node?: string;
  /** Between two requests. Default: 200. */
  readonly pauseMs?: number;
  /** Ends its requests after so many tokens; the pod runs on. */
  readonly tokens?: number;
  /** Its container ends after this time, or later as soon as it has reported a token. */
  readonly livesMs?: number;
  readonly initContainers?: readonly object[];
  /** Any image with /usr/bin/node. Default: the one of NMI. */
  readonly image?: string;
  /** Only prints its results. */
  readonly isSilent?: boolean;
}

export function askingPod(spec: AskingSpec): KubeObject {
  const { name, namespace = 'default', label, labels = {}, node } = spec;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      labels: { ...labels, ...(label !== undefined && { [names.bindingLabel]: label }) },
    },
    spec: {
      // The program ignores SIGTERM, as many do.
      terminationGracePeriodSeconds: 1,
      automountServiceAccountToken: false,
      // Never by `nodeName`: then no scheduler counts the pod.
      ...(node !== undefined && { nodeSelector: { 'kubernetes.io/hostname': node } }),
      ...(spec.livesMs !== undefined && { restartPolicy: 'Never' }),
      tolerations: [{ operator: 'Exists', effect: 'NoExecute' }],
      ...(spec.initContainers && { initContainers: spec.initContainers }),
      containers: [askingContainer(spec)],
    },
  };
}

function askingContainer(spec: AskingSpec): object {
  const { name, pauseMs = 200, tokens, livesMs, image = nmiImage, isSilent = false } = spec;
  return {
    name: 'app',
    image,
    command: ['/usr/bin/node', '--max-semi-space-size=1', '-e', program],
    env: environment({
      POD: name,
      ...(!isSilent && { REPORTS: reportsUrl }),
      PAUSE_MS: `${pauseMs}`,
      ...(tokens !== undefined && { TIMES: `${tokens}` }),
      ...(livesMs !== undefined && { LIVES_MS: `${livesMs}` }),
    }),
    securityContext: {
      runAsUser: 65_534,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    },
  };
}

/** Ends well once it has a token, and fails if it is refused for good. */
export const tokenFirst = (report: string): object => ({
  name: 'token-first',
  image: nmiImage,
  command: [
    '/usr/bin/node',
    '-e',
    `${program}\nsetInterval(() => { if (left === 0 && told.length === 0 && !isSending) process.exit(0); }, 50);`,
  ],
  env: environment({ POD: report, REPORTS: reportsUrl, PAUSE_MS: '200', TIMES: '1' }),
});

const environment = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).map(([name, value]) => ({ name, value }));
