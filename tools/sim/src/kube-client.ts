/** An error response of an API server. */
export class KubeAnswerError extends Error {
  readonly status: number;
  /** The Status object, or text. */
  readonly body: unknown;

  constructor(request: string, status: number, body: unknown) {
    super(
      `${request} was answered with ${status}: ${typeof body === 'string' ? body : JSON.stringify(body)}`,
    );
    this.name = 'KubeAnswerError';
    this.status = status;
    this.body = body;
  }
}

export interface KubeAnswer {
  readonly status: number;
  /** Parsed JSON, or text. */
  readonly body: unknown;
}

export interface KubeClient {
  /** The body of a 2xx response. Throws KubeAnswerError otherwise. */
  request(method: string, path: string, body?: unknown): Promise<unknown>;
  /** Any response. */
  ask(method: string, path: string, options?: AskOptions): Promise<KubeAnswer>;
}

export interface AskOptions {
  readonly body?: unknown;
  /** application/json, or application/merge-patch+json for PATCH, when absent. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A minimal client of an API server, for tests and scenarios, which should not depend on the tested client. */
export function kubeClient(url: string): KubeClient {
  const ask: KubeClient['ask'] = async (method, path, { body, contentType, headers = {}, signal } = {}) => {
    const usual = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { 'content-type': contentType ?? usual, ...headers },
      ...sent,
      ...(signal ? { signal } : {}),
    });
    return { status: response.status, body: parsed(await response.text()) };
  };
  return {
    ask,
    request: async (method, path, body) => {
      const answer = await ask(method, path, { body });
      if (answer.status >= 400) throw new KubeAnswerError(`${method} ${path}`, answer.status, answer.body);
      return answer.body;
    },
  };
}
