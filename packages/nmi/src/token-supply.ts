import type { Clock } from '@pod-identity/kit/core';
import { withOwnConnections, type KubeAmbient } from '@pod-identity/kit/kube';
import type { Metrics } from '@pod-identity/kit/serve';
import type { NmiConfig } from './config/config.ts';
import { createMetadataService, type MetadataService } from './tokens/metadata/metadata-service.ts';
import type { imdsOperations, metricSpecs } from './tell/metrics.ts';
import { createTurnQueues, type TurnQueue } from './waiting/turn-queues.ts';
import { createInstanceReader } from './tokens/metadata/instance.ts';
import { createManagedIdentitySource } from './tokens/metadata/managed-identity.ts';
import { createMetadataPace, type MetadataPace } from './tokens/metadata/pace.ts';
import { createImdsRequests } from './tokens/metadata/imds-requests.ts';
import { readTokenFile } from './broker/token-file.ts';
import { createBrokerClient } from './tokens/federated/broker-client.ts';
import { createFederatedSource } from './tokens/federated/federated-source.ts';
import { watchReplicas } from './tokens/federated/replicas.ts';
import { createCertificateReader } from './tokens/principal/certificate-reader.ts';
import { createEntraClient } from './tokens/principal/entra-client.ts';
import { createEntraHttp } from './tokens/principal/entra-http.ts';
import { createOpenssl } from './tokens/principal/openssl.ts';
import { createPrincipalSource } from './tokens/principal/principal-source.ts';
import { createSecretReader, type SecretReference } from './tokens/principal/secret-reader.ts';
import { TokenError } from './tokens/errors.ts';
import { needsBroker } from './authorize/federated.ts';
import type { Ended } from './tokens/timed.ts';
import { createTokenSource, type TokenSource, type TokenSourceOptions } from './tokens/source.ts';
import type {
  FederatedIdentity,
  HostSubject,
  ServicePrincipal,
  TokenSubject,
  TokenUpstream,
} from './tokens/types.ts';

export type TokenSupply = ReturnType<typeof createTokenSupply>;

export interface TokenSupplyOptions extends KubeAmbient {
  readonly config: Pick<NmiConfig, 'metadata' | 'broker'>;
  readonly metrics: Metrics<typeof metricSpecs>;
}

/** For tokens of service principals; each takes a Secret and a request for each of its tenants. */
const entraPace = {
  all: { atATime: 8, patienceMs: 10_000 },
  queues: { principals: { atATime: 8, waiting: { total: 256, perNamespace: 128, perPod: 32 } } },
};

/** For tokens that the broker gives, each for one pod of a node with up to 250; it has its own turns for those of all nodes. */
const brokerPace = {
  all: { atATime: 8, patienceMs: 10_000 },
  queues: { federated: { atATime: 8, waiting: { total: 512, perNamespace: 256, perPod: 32 } } },
};

/** Assembles the room tokens: memory in front of the metadata service and of Entra. */
export function createTokenSupply(options: TokenSupplyOptions) {
  const { transport, clock, random, metrics } = options;
  const pace = createMetadataPace(clock);
  const metadata = createMetadataService(metadataUrl(options.config));
  const http = createEntraHttp();
  const openssl = createOpenssl(clock);
  const entraTurns = createTurnQueues({ clock, ...entraPace }).principals;
  const principals = createPrincipalSource({
    secretReader: createSecretReader(withOwnConnections(transport)),
    entra: createEntraClient(http, clock),
    certificates: createCertificateReader({ openssl, clock }),
    turns: entraTurns,
    clock,
    onSecretChanged: (secret) => tokens.prune((subject) => !isOf(subject, secret)),
    onRequested: countedAs('adal_token', metrics),
  });
  const broker = openBroker(options);
  const tokens: TokenSource = createTokenSource({
    upstream: upstreamByKind(imdsSource(options, metadata), principals, broker),
    queueFor: queuesFor(pace, entraTurns, clock),
    clock,
    random,
    look: (subject) => (subject.kind === 'service-principal' ? principals.look(subject) : undefined),
  });

  return {
    tokens,
    /** For reads of other metadata. */
    pace,
    /** The ARM id of this machine, as its metadata service says. */
    readInstanceId: createInstanceReader(metadata, pace, clock),
    /** Watches where the broker is; empty without one. */
    informers: broker ? [broker.informer] : [],
    /** To be called after the last response. */
    close: () => {
      metadata.close();
      openssl.close();
      broker?.close();
      http.close();
    },
  };
}

/** Each subject from its own source. */
function upstreamByKind(
  host: TokenUpstream<HostSubject>,
  principals: TokenUpstream<ServicePrincipal>,
  broker: TokenUpstream<FederatedIdentity> | undefined,
): TokenUpstream {
  return {
    requestToken: async ({ subject, ...rest }) => {
      switch (subject.kind) {
        case 'service-principal':
          return principals.requestToken({ subject, ...rest });
        case 'federated':
          if (broker) return broker.requestToken({ subject, ...rest });
          throw new TokenError('misconfigured', `AzureIdentity ${subject.name} ${needsBroker}.`);
        case 'identity':
        case 'machine':
          return host.requestToken({ subject, ...rest });
      }
    },
  };
}

function queuesFor(pace: MetadataPace, principals: TurnQueue, clock: Clock): TokenSourceOptions['queueFor'] {
  const federated = createTurnQueues({ clock, ...brokerPace }).federated;
  return ({ kind }, lastResponse) => {
    if (kind === 'federated') return federated;
    return kind === 'service-principal' ? principals : pace.tokens[lastResponse];
  };
}

function isOf(subject: TokenSubject, { namespace, name }: SecretReference): boolean {
  return (
    subject.kind === 'service-principal' &&
    subject.secret.namespace === namespace &&
    subject.secret.name === name
  );
}

/** Undefined without `--broker`. */
function openBroker(options: TokenSupplyOptions) {
  const { namespace, tokenFile } = options.config.broker;
  if (namespace === '') return undefined;
  const { informer, all: replicas } = watchReplicas({ ...options, namespace });
  const client = createBrokerClient({ ...options, replicas, readToken: () => readTokenFile(tokenFile) });
  const onRequested = countedAs('federated_token', options.metrics);
  return { ...createFederatedSource({ ...options, client, onRequested }), informer, close: client.close };
}

function imdsSource(
  { config, clock, metrics }: TokenSupplyOptions,
  metadata: MetadataService,
): TokenUpstream<HostSubject> {
  return createManagedIdentitySource(
    createImdsRequests({ endpoint: metadataUrl(config), metadata, clock }),
    clock,
    ({ subject, ...requested }) => {
      const operation = subject === 'machine' ? 'adal_token_msi' : 'adal_token_msi_userassignedid';
      countedAs(operation, metrics)(requested);
    },
  );
}

function countedAs(operation: (typeof imdsOperations)[number], metrics: TokenSupplyOptions['metrics']) {
  const labels = { operation_type: operation };
  return ({ ms, isOk }: Ended) => {
    if (isOk) metrics.observe('imdsDuration', ms / 1000, labels);
    else metrics.count('imdsErrors', labels);
  };
}

export function metadataUrl({ metadata: { host, port } }: Pick<NmiConfig, 'metadata'>): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
