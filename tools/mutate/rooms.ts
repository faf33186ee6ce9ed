/** Rooms in which a wrong operator can give a token to the wrong pod or detach an identity: name and files. */
export const rooms: Readonly<Record<string, readonly string[]>> = {
  match: ['packages/crd-types/src/match.ts'],
  'nmi/access': ['packages/nmi/src/access/'],
  'nmi/authorize': ['packages/nmi/src/authorize/'],
  'nmi/identify': ['packages/nmi/src/identify/'],
  'nmi/tokens': ['packages/nmi/src/tokens/'],
  'nmi/waiting': ['packages/nmi/src/waiting/'],
  'nmi/request': ['packages/nmi/src/request/'],
  'kit/connections': [
    'packages/kit/src/serve/connections/',
    'packages/kit/src/core/pace.ts',
    'packages/kit/src/core/peer-address.ts',
    'packages/kit/src/core/recent.ts',
  ],
  'mic/plan': ['packages/mic/src/plan/'],
  'mic/snapshot': ['packages/mic/src/snapshot/'],
  'mic/apply': ['packages/mic/src/apply/'],
  'mic/tell': [
    'packages/mic/src/tell/conditions.ts',
    'packages/mic/src/tell/conditions-writer.ts',
    'packages/mic/src/tell/events.ts',
    'packages/mic/src/tell/report.ts',
    'packages/mic/src/tell/report-host.ts',
    'packages/mic/src/tell/report-left-out.ts',
  ],
  'mic/identity-patch': ['packages/mic/src/azure/hosts/identity-patch.ts'],
  'mic/immutable': [
    'packages/mic/src/config/plan-rules.ts',
    'packages/mic/src/config/plan-rules.ts',
  ],
};
