import type { Log, LogFields } from '@pod-identity/kit/serve';
import { expect, it } from 'vitest';
import { createIssuanceLog } from './reports.ts';

const start = () => {
  const uids: unknown[] = [];
  const write = (fields: LogFields) => void uids.push(fields['uid']);
  const log: Log = { debug: write, info: write, warn: write, error: write, child: () => log, level: 'debug' };
  const tell = createIssuanceLog(log);
  const issue = (uid: string, namespace = 'pay', resource = 'r') =>
    tell({
      request: { pod: { namespace, name: 'web', uid }, tenant: 't', clientId: 'c', resource },
      node: 'n1',
      account: 'web',
    });
  return { uids, issue };
};

it('attack: the first lines of a namespace are forgotten after 1,024 others of its own, and none of another namespace', () => {
  const { uids, issue } = start();
  issue('of-shop', 'shop');
  issue('first');
  for (let index = 1; index < 1_024; index += 1) issue(`u${index}`);
  issue('first');
  expect(uids).toHaveLength(1 + 1_024);
  issue('another');
  issue('first');
  issue('of-shop', 'shop');
  expect(uids.slice(1 + 1_024)).toEqual(['another', 'first']);
});

it('attack: long resources leave no more in memory than short ones', () => {
  const { uids, issue } = start();
  issue('first');
  for (let index = 0; index < 200; index += 1) issue(`u${index}`, 'pay', 'x'.repeat(2_000));
  issue('first');
  expect(uids.filter((uid) => uid === 'first')).toHaveLength(2);
});
