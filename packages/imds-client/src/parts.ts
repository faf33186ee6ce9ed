// The pure parts, for NMI, which has a transport, a memory and turns of its own. The published package has no entry for them.
export { ImdsError, isImdsError } from './errors.ts';
export { failureOf } from './failure.ts';
export { readResponse } from './http-response.ts';
export { parseRequest, tokenUrl } from './request.ts';
export { readTokenResponse } from './response.ts';
