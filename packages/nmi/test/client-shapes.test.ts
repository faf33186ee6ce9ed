// The answer as each client reads it: their strictest readers, over a real connection.
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressOf, startStage, tokenPath, vaultResource, type Stage } from './harness.ts';

let stage: Stage;
let head: string;
let body: string;
beforeAll(async () => {
  stage = await startStage();
  const identity = await stage.bound('reader');
  stage.attach(identity);
  const from = addressOf(await stage.cluster.pod({ name: 'web', label: 'reader' }));
  await stage.record({ pod: 'web', identity: 'reader', state: 'Assigned' });
  const { port } = await stage.nmi();
  [head = '', body = ''] = (await rawAnswer(port, from)).split('\r\n\r\n');
});
afterAll(() => stage.stop());

function rawAnswer(port: number, localAddress: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, localAddress });
    let text = '';
    socket.setEncoding('latin1').on('data', (part: string) => (text += part));
    socket.on('error', reject).on('close', () => resolve(text));
    const query = `api-version=2018-02-01&${vaultResource}`;
    socket.write(
      `GET ${tokenPath}?${query} HTTP/1.1\r\nHost: 169.254.169.254\r\nMetadata: true\r\nConnection: close\r\n\r\n`,
    );
  });
}

const fields = () => JSON.parse(body) as Record<string, unknown>;
const field = (name: string) => fields()[name];
const decimal = /^(?:0|[1-9]\d*)$/;

describe('a token is what is read by', () => {
  it('everybody: 200 with JSON, and nothing but strings in it', () => {
    expect(head).toMatch(/^HTTP\/1\.1 200 /);
    expect(head).toMatch(/^Content-Type: application\/json; charset=utf-8\r?$/m);
    expect(Object.values(fields()).filter((value) => typeof value !== 'string' || value === '')).toEqual([]);
  });

  it('Hadoop’s ABFS: a Content-Length above 0, no chunks, expires_in an int and expires_on a long of Java', () => {
    expect(head).not.toMatch(/transfer-encoding/i);
    const length = Number(/^Content-Length: (\d+)\r?$/m.exec(head)?.[1]);
    expect(length).toBe(Buffer.byteLength(body, 'latin1'));
    expect(length).toBeGreaterThan(0);
    expect(field('expires_in')).toMatch(decimal);
    expect(Number(field('expires_in'))).toBeLessThan(2 ** 31);
    expect(field('expires_on')).toMatch(decimal);
  });

  it('msal for Python: access_token, and int(expires_in)', () => {
    expect(field('access_token')).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(field('expires_in')).toMatch(decimal);
  });

  it('msal for Node and Java: expires_on in seconds since the epoch, not milliseconds, no date', () => {
    const expiresOn = Number(field('expires_on'));
    expect(expiresOn - Date.now() / 1000).toBeGreaterThan(60);
    expect(expiresOn - Date.now() / 1000).toBeLessThan(2 * 86_400);
  });

  it('azure_identity for Rust: expires_on a string, token_type and resource there', () => {
    expect(typeof field('expires_on')).toBe('string');
    expect([field('token_type'), field('resource')]).toEqual(['Bearer', 'https://vault.azure.net']);
  });

  it('adal for Go: json.Number for expires_in, expires_on and not_before, none of them empty', () => {
    for (const name of ['expires_in', 'expires_on', 'not_before']) expect(field(name)).toMatch(decimal);
    expect(Number(field('not_before'))).toBeLessThanOrEqual(Date.now() / 1000);
  });

  it('.NET: the client id of the identity, and ext_expires_in', () => {
    expect(field('client_id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(field('ext_expires_in')).toBe(field('expires_in'));
  });

  it('readers with a scanner in place of a parser: IMDS’ members in IMDS’ order, without white space', () => {
    expect(body).toMatch(
      /^\{"access_token":"[^"]+","client_id":"[^"]+","expires_in":"\d+","expires_on":"\d+","ext_expires_in":"\d+","not_before":"\d+","resource":"[^"]+","token_type":"Bearer"\}$/,
    );
  });
});
