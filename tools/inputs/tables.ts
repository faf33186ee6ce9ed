// What the services read of other people's text: the tables that the sieve, the parsers and the server read by. Nothing else is read.
import { fieldLimits, namespaceFields, type FieldLimits } from '../../packages/crd-types/src/index.ts';
import { reviewFields } from '../../packages/kit/src/kube/access-review.ts';
import type { Fields } from '../../packages/kit/src/kube/index.ts';
import { leaseFields } from '../../packages/kit/src/kube/lease-record.ts';
import { taintFields } from '../../packages/kit/src/kube/node-taints.ts';
import { lockFields } from '../../packages/mic/src/original/lock-reader.ts';
import { agentFields } from '../../packages/mic/src/snapshot/watch/agent-watch.ts';
import { nodeFields } from '../../packages/mic/src/snapshot/watch/cluster-watch.ts';
import { podFieldsWithLabels } from '../../packages/mic/src/snapshot/watch/pod-fields.ts';
import { podFields } from '../../packages/nmi/src/identify/pod-view.ts';
import { secretFields } from '../../packages/nmi/src/tokens/principal/secret-reader.ts';
import { readHeaders } from '../../packages/nmi/src/request/wire.ts';
import { readParameters } from '../../packages/nmi/src/request/token-request.ts';
