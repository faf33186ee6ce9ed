/** Where a wrong operator gives a token away or takes an identity from a host: name of a room, its files. */
export const rooms: Readonly<Record<string, readonly string[]>> = {
  match: ['packages/crd-types/src/match.ts'],
  'nmi/authorize': ['packages/nmi/src/authorize/'],
  'nmi/identify': ['packages/nmi/src/identify/'],
  'nmi/tokens': ['packages/nmi/src/tokens/'],
  'nmi/request': ['packages/nmi/src/request/'],
  'nmi/connections': ['packages/nmi/src/connections/'],
  'mic/plan': ['packages/mic/src/plan/'],
  'mic/snapshot': ['packages/mic/src/snapshot/'],
  'mic/apply': ['packages/mic/src/apply/'],
  'mic/identity-patch': [
    'packages/mic/src/azure/identity-patch.ts',
    'packages/mic/src/config/immutable-client-ids.ts',
  ],
};
