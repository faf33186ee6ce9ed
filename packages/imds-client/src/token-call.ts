import { ImdsError, isImdsError, lastAttempt } from './errors.ts';
import { exchange } from './exchange.ts';
import { identityOf, tokenUrl, type ParsedRequest } from './request.ts';
import { readTokenResponse } from './response.ts';
import { retryDelayMs } from './retry.ts';
import type { Settings } from './settings.ts';
import type { TokenCall } from './token-cache.ts';
import type { RequestedToken } from './types.ts';

/** The call for a token: tries until there is one or a permanent failure. */
export function tokenCall(request: ParsedRequest, settings: Settings): TokenCall {
  const { clock, endpoint, maxRetries, random, deadlineMs, requestTimeoutMs: timeoutMs } = settings;
  const requested = { resource: request.resource, identity: identityOf(request.selector) };
  // The service refuses requests without this header.
  const httpRequest = { url: tokenUrl(settings, request), headers: { Metadata: 'true' }, requested };
  const depart: TokenCall['depart'] = async (signal, onFailure) => {
    const deadline = clock.elapsed() + deadlineMs;
    for (let retries = 0; ; retries += 1) {
      const response = await exchange(httpRequest, { ...settings, timeoutMs }, signal);
      const at = { ...settings, requested, now: clock.now(), parseDate: Date.parse };
      const result = isImdsError(response) ? response : readTokenResponse(response, at);
      if (!isImdsError(result)) return result;
      onFailure(result);
      const leftMs = deadline - clock.elapsed();
      const delayMs = retryDelayMs({ error: result, retries, maxRetries, chance: random(), leftMs });
      if (delayMs === undefined) throw result;
      if (delayMs === 'late') throw withoutTime(result, deadlineMs, requested);
      await clock.sleep(delayMs, signal);
    }
  };
  const overdue: TokenCall['overdue'] = (last) => {
    const attempt = lastAttempt(last);
    const silence = attempt === '' ? 'did not answer' : 'gave no usable response';
    const reason = `${endpoint} ${silence} within ${deadlineMs} ms${attempt}`;
    return new ImdsError('timeout', reason, { requested, cause: last });
  };
  return { depart, overdue };
}

/** The error of the last try, which says why there is no other one. */
function withoutTime(last: ImdsError, deadlineMs: number, requested: RequestedToken): ImdsError {
  const { code, reason, cause, ...details } = last;
  const why = `${reason}; the deadline of ${deadlineMs} ms leaves no time for another attempt`;
  return new ImdsError(code, why, { ...details, cause, requested });
}
