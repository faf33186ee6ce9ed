// What AAD Pod Identity 1.8.17 returns in each situation of docs/reference/errors.md.

const notCreated =
  'getting assigned identities for pod default/web in CREATED state failed after 16 attempts, retry duration [5]s, error: <nil>. Check MIC pod logs for identity assignment errors';
const notAssigned = notCreated.replace('CREATED', 'ASSIGNED').replace('16', '20');
const refused = (status: number | string) =>
  `403 \`adal: Refresh request failed. Status Code = '${status}'. Response body: (Azure’s message) Endpoint (the URL, with the client id)\``;
const withoutLimit = 'accepted: there is no limit';
const afterRetries = 'after five attempts in 112 s';
const passedOn = 'passed on to the metadata service, which returns 404';
const never = `404 \`${notCreated}\`, after 80 s`;

/** By situation. */
export const originalAnswers: Readonly<Record<string, string>> = {
  'a token':
    '200, with an empty `refresh_token`, without `client_id` and `ext_expires_in`; a list if there are auxiliary tenants',
  'a token for a process of the node': '200, the token in the same shape',
  'metadata of the machine: status and body are those of the metadata service':
    'the same, for any method, and with all headers both ways',
  'the header `Metadata: true` is missing: a probe':
    '400 `{"error":"invalid_request","error_description":"Required metadata header not specified"}`; `True` counts as missing',
  'the header `X-Forwarded-For` is present': 'accepted: it is ignored',
  'the header `Host`, or the address in the request line, has a name that is not allowed; or `Host` is present twice':
    'accepted: it is ignored',
  'the request line cannot be read': '400 of Go’s HTTP server',
  'the request has a large body': 'accepted: it is not read',
  'the parameter `resource` is missing':
    '400 `parameter resource cannot be empty`; `RESOURCE=` counts as missing',
  'a parameter is too long or has characters that it cannot have, such as whitespace': 'accepted',
  'a parameter is given twice, in any case':
    'accepted: the first one counts, and only names in lower case are recognised',
  'an unknown parameter names the identity, such as `clientid` or `principal_id`':
    'ignored: any identity of the pod',
  'more than one of the selectors has a value':
    'accepted: the first identity that has the client id or the resource id; `object_id` is ignored',
  '`/host/token` without `podname` and `podns`': "400 `missing 'podname' and 'podns' from request header`",
  '`/host/token` is called from outside the node': '500 `request remote address is not from a host`',
  'another method than GET': 'accepted: any method',
  'a path or query with characters that are not allowed':
    '400 `Invalid request` for a disguised token path, 301 to the clean path for `//` and `..`, other paths are passed on to the metadata service',
  'below `/metadata/identity`, but not the token path':
    'treated as the token path if the path begins with it, otherwise passed on to the metadata service',
  'a probe for the metadata service of AWS, Google and others': passedOn,
  'any other path': passedOn,
  'the agent has not read the cluster yet': 'no connection: it does not listen yet',
  'a watch was silent for longer than `--pod-check-outage`': 'a token, based on the last watched state',
  'no pod has the address, after `--caller-hold`': '500 `pod list is empty`, after 1.2 s',
  'the caller has disconnected': '500 `request remote address is empty`; for IPv6 callers too',
  'two live pods have the address': '500 `failed to match pod IP 10.0.0.9 with (the list of the pods)`',
  '`/host/token` names a pod that does not run here': never,
  'the API server does not say, or refuses to, whether the pod still has the address':
    'a token: the API server is not asked',
  'bindings or identities of the pod changed again and again while its request waited':
    'a token: nothing is decided again',
  'no place is free to wait, for the pod (`--pod-waiting`), its namespace or the node, or too many of their rights wait for a review':
    withoutLimit,
  'more requests than `--pod-requests-per-second`': withoutLimit,
  'the ServiceAccount of the pod has no right to use the identity': 'a token: rights are not checked',
  'the API server does not say whether the ServiceAccount may use the identity':
    'a token: rights are not checked',
  'the API server takes longer to say so than the request may wait': 'a token: rights are not checked',
  'the API server allows an invented user too, so its reviews mean nothing':
    'a token: rights are not checked',
  'the pod has no ServiceAccount': 'a token: ServiceAccounts are not looked at',
  'the pod has no label': never,
  'the pod has no label, and bindings of its namespace select others without it': never,
  'the label of the pod is empty': never,
  'the labels of the pod, or an annotation for NMI, are too large to be read': withoutLimit,
  'no binding has the pod’s label as its selector': never,
  'the binding has the pod’s label as its selector, but its other conditions are for other pods':
    'a token: it knows no other conditions',
  'the binding is for pods of another namespace': `a token, unless \`forceNamespaced\`; then ${never}, or 500 \`runtime error: index out of range [0] with length 0\``,
  'the AzureIdentity does not exist': never,
  'the AzureIdentity is not valid': never,
  'the pod does not have the requested identity': `404 \`clientID in request: (the id, shortened), ${notCreated}\`, after 80 s; for an object id any identity of the pod`,
  'the pod has several identities and the request names none': 'a token of one of them, at random',
  'the pod started less than `--binding-grace` ago, and no binding selects it within 6 s': never,
  'the pod started less than `--binding-grace` ago, and its ServiceAccount gets no right to use the identity within 6 s':
    'a token: rights are not checked',
  'the metadata service does not know it within `--hold`': `${never}; with a record that is not Assigned 404 \`${notAssigned}\`, after 100 s; with one that is, or in managed mode, ${refused(400)}`,
  'the machine does not have the identity that an exempt pod requests':
    '403 `failed to get service principal token, error: (Azure’s message)`',
  'Azure rejects the request, such as an unknown resource': refused(400),
  'Azure refuses the identity, such as a wrong secret': refused(401),
  'the AzureIdentity contradicts Azure, or NMI cannot use it':
    '503 with an error text if the Secret, the certificate or the type is unusable; otherwise a token of the stated client id',
  'Azure returns 429': `${refused(429)}, ${afterRetries}`,
  'Azure returns 429 without Retry-After': `${refused(429)}, ${afterRetries}`,
  'the pod or its namespace requests more new tokens than its share': withoutLimit,
  'the metadata service is being updated (410)': `${refused(410)}, ${afterRetries}`,
  'the metadata service returns 410 without Retry-After': `${refused(410)}, ${afterRetries}`,
  'Azure returns 5xx: the same status': `${refused(500)}, ${afterRetries}`,
  'Azure returns 5xx without Retry-After: the same status': `${refused(500)}, ${afterRetries}`,
  'Azure returns 404': `${refused(404)}, ${afterRetries}`,
  'Azure does not respond, or not with HTTP': `503 with an error text, ${afterRetries}`,
  'no federated credential trusts the broker, or `HTTPS_PROXY` is no address': `it has no federated identities; for the proxy 503 with an error text, ${afterRetries}`,
  '`--block-instance-metadata`, or not in `--metadata-allow`':
    '403 `Request blocked by AAD Pod Identity NMI` for `--block-instance-metadata`; the rest is passed on',
  'metadata of the machine: no usable response': '500 with an error text',
  'metadata of the machine: more than 1 MiB': 'passed on: there is no limit',
  'a bug': '500 with the text of the panic',
};
