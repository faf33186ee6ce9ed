import type { HttpRequest, HttpResponse } from '../http/server.ts';

export type Answer = HttpResponse | Promise<HttpResponse>;

interface Route {
  readonly methods: readonly string[];
  /** Named groups become the parameters. */
  readonly path: RegExp;
  answer(request: HttpRequest, parameters: Readonly<Record<string, string>>): Answer;
}

interface Otherwise {
  notFound(request: HttpRequest): HttpResponse;
  methodNotAllowed(request: HttpRequest): HttpResponse;
}

/** Calls the first route whose path matches. */
export function answerFrom(routes: readonly Route[], otherwise: Otherwise): (request: HttpRequest) => Answer {
  return (request) => {
    for (const route of routes) {
      const match = route.path.exec(request.path);
      if (match === null) continue;
      if (!route.methods.includes(request.method)) return otherwise.methodNotAllowed(request);
      return route.answer(request, match.groups ?? {});
    }
    return otherwise.notFound(request);
  };
}

export function json(
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): HttpResponse {
  return { status, headers: { 'content-type': 'application/json; charset=utf-8', ...headers }, body };
}
