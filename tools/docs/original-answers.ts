// What AAD Pod Identity 1.8.17 answers in each situation of docs/errors.md: its behaviour, not that of `--compat-errors`.

const notCreated =
  'getting assigned identities for pod default/web in CREATED state failed after 16 attempts, retry duration [5]s, error: <nil>. Check MIC pod logs for identity assignment errors';
const notAssigned = notCreated.replace('CREATED', 'ASSIGNED').replace('16', '20');
const refused = (status: number | string) =>
  `403 \`adal: Refresh request failed. Status Code = '${status}'. Response body: (what Azure said) Endpoint (the URL, with the client id)\``;
const withoutLimit = 'accepted: there is no limit';
const afterRetries = 'after five attempts in 112 s';
const passedOn = 'passed on to the metadata service, which returns 404';
const never = `404 \`${notCreated}\`, after 80 s`;

/** By the situation. */
export const originalAnswers: Readonly<Record<string, string>> = {
  'a token':
    '200, with an empty `refresh_token`, without `client_id` and `ext_expires_in`; a list where there are auxiliary tenants',
  'a token for a process of the node': '200, the token in the same shape',
  'metadata of the machine: status and body are those of the metadata service':
    'the same, for any method, and with all headers both ways',
  'the header `Metadata: true` is missing: a probe':
    '400 `{"error":"invalid_request","error_description":"Required metadata header not specified"}`; `True` counts as missing',
  'the header `X-Forwarded-For` is there': 'accepted: it is ignored',
  'the header `Host`, or the address in the request line, has a name that is not allowed; or `Host` is there twice':
    'accepted: it is ignored',
  'the request line cannot be read': '400 of Go’s HTTP server',
  'the request has a large body': 'accepted: it is not read',
  'no `resource`': '400 `parameter resource cannot be empty`; `RESOURCE=` counts as missing',
  'a parameter is too long or has control characters': 'accepted',
  'a parameter is given twice, in whatever case': 'accepted: the first one counts, in lower case alone',
  'the identity is named by a parameter that is not known, such as `clientid` or `principal_id`':
    'ignored: any identity of the pod',
  'more than one of the selectors has a value':
    'accepted: the first identity that has the client id or the resource id; `object_id` is ignored',
  '`/host/token` without `podname` and `podns`': "400 `missing 'podname' and 'podns' from request header`",
  '`/host/token` from elsewhere than the node': '500 `request remote address is not from a host`',
  'another method than GET': 'accepted: any method',
  'a path or query with characters that are not allowed':
    '400 `Invalid request` for a disguised token path, 301 to the clean path for `//` and `..`, the rest is passed on to the metadata service',
  'below `/metadata/identity`, but not the token path':
    'treated as the token path where the path begins with it, else passed on to the metadata service',
  'a probe for the metadata service of AWS, Google and others': passedOn,
  'any other path': passedOn,
  'the agent has not read the cluster yet': 'no connection: it does not listen yet',
  'a watch was silent for longer than `--pod-check-outage`': 'answered by what was watched last',
  'no pod has the address, after `--caller-hold`': '500 `pod list is empty`, after 1.2 s',
  'the caller is gone already': '500 `request remote address is empty`; to IPv6, too',
  'two live pods have the address': '500 `failed to match pod IP 10.0.0.9 with (the list of the pods)`',
  '`/host/token` names a pod that does not run here': never,
  '`--pod-check strict` and the API server is away': 'answered: the API server is not asked',
  'more callers of the pod wait than `--pod-waiting`': withoutLimit,
  'far more requests than `--pod-requests-per-second`': withoutLimit,
  'the pod has no label': never,
  'the label of the pod is empty': never,
  'the labels of the pod, or an annotation for NMI, are too large to be read': withoutLimit,
  'no binding has the label of the pod': never,
  'the binding is for pods of another namespace': `a token, unless \`forceNamespaced\`; then ${never}, or 500 \`runtime error: index out of range [0] with length 0\``,
  'the AzureIdentity does not exist': never,
  'the AzureIdentity is not valid': never,
  'the pod has no such identity': `404 \`clientID in request: (the id, shortened), ${notCreated}\`, after 80 s; for an object id any identity of the pod`,
  'several identities, and none is named': 'a token of one of them, at random',
  'a pod younger than `--binding-grace`, and no binding has its label within `--hold`': never,
  'not assigned within `--hold`: MIC has not taken it up': never,
  'not assigned within `--hold`: MIC is assigning it': `404 \`${notAssigned}\`, after 100 s`,
  'assigned, but the metadata service does not know it yet': refused(400),
  'the machine does not carry the identity that an exempt pod asks for':
    '403 `failed to get service principal token, error: (what Azure said)`',
  'Azure does not take the request, such as an unknown resource': refused(400),
  'Azure refuses the identity, such as a wrong secret': refused(401),
  'the AzureIdentity contradicts Azure, or cannot be served':
    '503 with an error text where the Secret, the certificate or the type is of no use; a token of the stated client id otherwise',
  'Azure returns 429': `${refused(429)}, ${afterRetries}`,
  'Azure returns 429 without Retry-After': `${refused(429)}, ${afterRetries}`,
  'the pod asks for more new tokens than its share': withoutLimit,
  'the metadata service is being updated (410)': `${refused(410)}, ${afterRetries}`,
  'a 410 without Retry-After': `${refused(410)}, ${afterRetries}`,
  'Azure returns 5xx: the same status': `${refused(500)}, ${afterRetries}`,
  'a 5xx without Retry-After': `${refused(500)}, ${afterRetries}`,
  'Azure returns 404': `${refused(404)}, ${afterRetries}`,
  'Azure returns nothing, or no HTTP': `503 with an error text, ${afterRetries}`,
  '`--block-instance-metadata`, or not in `--metadata-allow`':
    '403 `Request blocked by AAD Pod Identity NMI` for `--block-instance-metadata`; the rest is passed on',
  'metadata of the machine: no usable answer': '500 with an error text',
  'metadata of the machine: more than 1 MiB': 'passed on: there is no limit',
  'a bug': '500 with the text of the panic',
};
