// Events on objects that MIC does not keep because their namespace is over its share.
import { leftOutText } from './conditions.ts';
import type { SharedKind } from '../snapshot/index/cluster-index.ts';
import { line, namedByKey, onBinding, onIdentity, warning, type Report } from './events.ts';

export function reportLeftOut(
  kind: SharedKind,
  { key, uid }: { readonly key: string; readonly uid: string },
): Report {
  const message = leftOutText(kind);
  const named = { ...namedByKey(key), uid };
  const involved = kind === 'AzureIdentity' ? onIdentity(named) : onBinding(named);
  return {
    ...line('warn', { event: 'LeftOut', kind, key }, message),
    events: [warning('LeftOut', message, involved)],
  };
}
