// Parts of keys and certificates, as files hold them.
import { Integer, ObjectIdentifier, OctetString, Sequence, type BaseBlock } from 'asn1js';

export const sequence = (...value: BaseBlock[]) => new Sequence({ value });
export const int = (value: number) => new Integer({ value });
export const oid = (value: string) => new ObjectIdentifier({ value });
export const bytes = (length: number) => new OctetString({ valueHex: new Uint8Array(length).fill(7).buffer });

export const pem = (label: string, der: ArrayBuffer | Buffer) =>
  `-----BEGIN ${label}-----\n${Buffer.from(der as ArrayBuffer).toString('base64')}\n-----END ${label}-----\n`;
