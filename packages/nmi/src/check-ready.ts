import { get, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { Printer } from '@pod-identity/kit/serve';

export interface CheckReadyOptions {
  readonly probe: { readonly host: string; readonly port: number };
  readonly printer: Printer;
}

const timeoutMs = 4_000;

/** For a probe that is a program: asks the agent on this machine whether it is ready. The exit code. */
export async function checkReady({ probe, printer }: CheckReadyOptions): Promise<0 | 1> {
  try {
    const request = get({
      host: probe.host === '' ? '127.0.0.1' : probe.host,
      port: probe.port,
      path: '/readyz',
      agent: false,
      timeout: timeoutMs,
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    let text = '';
    for await (const part of response.setEncoding('utf8')) text += String(part);
    for (const line of text.trim().split('\n')) printer.line(line);
    return response.statusCode === 200 ? 0 : 1;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    printer.line(
      `the agent does not answer at port ${probe.port} (--http-probe-port, --http-probe-address): ${why}`,
    );
    return 1;
  }
}
