// Which files are pure: no I/O, no ambient clock, chance or environment. ESLint and dependency-cruiser read the same list.
export const purePaths = [
  'packages/crd-types/src',
  'packages/imds-client/src/(errors|scopes|request|response|retry|token-cache|token-store|single-flight)\\.ts$',
  'packages/kit/src/core',
  'packages/kit/src/kube/(errors|store)\\.ts$',
  'packages/mic/src/(config|metrics)\\.ts$',
  'packages/mic/src/config/',
  'packages/mic/src/snapshot/(?!cluster-view)',
  'packages/mic/src/(plan|explain)/',
  'packages/mic/src/apply/(report|report-host|event-drafts|assignment-state|assigned-object|echoes|backlog|memory)\\.ts$',
  'packages/mic/src/azure/(clouds|cloud-file|cloud|arm-errors|identity-patch|isolate|throttle|missing-roles)\\.ts$',
  'packages/nmi/src/(config|flags|routes|metrics)\\.ts$',
  'packages/nmi/src/flags/',
  'packages/nmi/src/(request|respond)/',
  'packages/nmi/src/identify/identify-pod\\.ts$',
  'packages/nmi/src/authorize/(types|candidates|exception|policy|select-identity|authorize)\\.ts$',
  'packages/nmi/src/tokens/token-errors\\.ts$',
];

/** The same list as globs, for ESLint. */
export const pureGlobs = [
  'packages/crd-types/src/**/*.ts',
  'packages/imds-client/src/{errors,scopes,request,response,retry,token-cache,token-store,single-flight}.ts',
  'packages/kit/src/core/**/*.ts',
  'packages/kit/src/kube/{errors,store}.ts',
  'packages/mic/src/{config,metrics}.ts',
  'packages/mic/src/{config,plan,explain}/**/*.ts',
  'packages/mic/src/snapshot/!(cluster-view*).ts',
  'packages/mic/src/apply/{report,report-host,event-drafts,assignment-state,assigned-object,echoes,backlog,memory}.ts',
  'packages/mic/src/azure/{clouds,cloud-file,cloud,arm-errors,identity-patch,isolate,throttle,missing-roles}.ts',
  'packages/nmi/src/{config,flags,routes,metrics}.ts',
  'packages/nmi/src/flags/**/*.ts',
  'packages/nmi/src/{request,respond}/**/*.ts',
  'packages/nmi/src/identify/identify-pod.ts',
  'packages/nmi/src/authorize/{types,candidates,exception,policy,select-identity,authorize}.ts',
  'packages/nmi/src/tokens/token-errors.ts',
];
