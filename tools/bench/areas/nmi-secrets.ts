// Secrets that need much work, in a namespace of their own.
import { randomBytes, randomUUID } from 'node:crypto';
import * as names from '../../stage/names.ts';
import type { Stage, StagePod } from '../../stage/stage.ts';

export interface HostilePod {
  readonly address: string;
  /** The client ids of its identities; each has its own Secret. */
  readonly clientIds: readonly string[];
}

export const hostileNamespace = 'hostile';
const apiVersion = 'aadpodidentity.k8s.io/v1';
/** They take openssl some tenths of a second. */
const rounds = 990_000;

/** Creates a pod on the node with so many service principals. */
export async function createHostilePod(stage: Stage, node: number, secrets: number): Promise<HostilePod> {
  await stage.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: hostileNamespace } });
  const clientIds = Array.from({ length: secrets }, () => randomUUID());
  for (const [index, clientID] of clientIds.entries()) {
    const metadata = { name: `secret-${index}`, namespace: hostileNamespace };
    const [certificate, password] = [encryptedKey(), 'p'].map((text) => Buffer.from(text).toString('base64'));
    await stage.create({ apiVersion: 'v1', kind: 'Secret', metadata, data: { certificate, password } });
    const spec = { type: 2, clientID, tenantID: names.tenant, clientPassword: metadata };
    await stage.create({ apiVersion, kind: 'AzureIdentity', metadata, spec });
    const binding = { azureIdentity: metadata.name, selector: hostileNamespace };
    await stage.create({ apiVersion, kind: 'AzureIdentityBinding', metadata, spec: binding });
  }
  const pod: StagePod = await stage.runPod({
    name: 'hostile',
    namespace: hostileNamespace,
    node,
    label: hostileNamespace,
  });
  return { address: pod.address, clientIds };
}

/** PEM: a key whose decryption fails after all rounds. */
function encryptedKey(): string {
  const pbkdf2 = der(0x30, oid('2a864886f70d01050c'), der(0x30, octets(8), der(0x02, bigEndian(rounds))));
  const aes256 = der(0x30, oid('60864801650304012a'), octets(16));
  const pbes2 = der(0x30, oid('2a864886f70d01050d'), der(0x30, pbkdf2, aes256));
  const base64 = der(0x30, pbes2, octets(1232)).toString('base64');
  return `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${base64}\n-----END ENCRYPTED PRIVATE KEY-----\n`;
}

const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));
const octets = (length: number) => der(0x04, randomBytes(length));

function bigEndian(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes.subarray(bytes.findIndex((byte) => byte > 0));
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head = length < 128 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}
