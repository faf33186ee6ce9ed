import type { Kind } from '../parsing/group.ts';
import { objectNamePattern } from '../objects/label-selector.ts';
import { allowedNamespacesSchema, labelSelectorSchema } from './selector-schemas.ts';
import {
  age,
  embedded,
  object,
  open,
  optionalText,
  readiness,
  statusWithConditions,
  text,
  type Column,
  type Schema,
} from './schema-parts.ts';

/** The parts that differ between the definitions. */
export interface Definition {
  readonly description: string;
  readonly properties: Record<string, Schema>;
  readonly columns: Column[];
  /** Whether status is a subresource. Not if the original writes it together with the rest. */
  readonly statusSubresource: boolean;
}

/** The definition of a kind, a fresh one for each call: callers may change what they get. */
export function definitionOf(kind: Kind): Definition {
  return definitions[kind]();
}

function azureIdentity(): Definition {
  return {
    description: 'An identity in Azure that pods may act as.',
    properties: {
      spec: object('Which identity it is.', {
        type: {
          type: 'integer',
          description:
            '0: user-assigned managed identity; 1: service principal with a client secret; 2: service principal with a certificate; 3: federated, by the broker of the cluster.',
          enum: [0, 1, 2, 3],
          default: 0,
        },
        resourceID: optionalText('Types 0 and 3: the ARM id of the managed identity.'),
        clientID: optionalText('The client id (application id) of the identity.'),
        clientPassword: object('Types 1 and 2: the Secret that holds the client secret or the certificate.', {
          name: optionalText('The name of the Secret.'),
          namespace: optionalText('Its namespace; without one, that of this object.'),
        }),
        tenantID: optionalText('Types 1, 2 and 3: the tenant of the identity; for type 3 its id.'),
        auxiliaryTenantIDs: {
          type: 'array',
          nullable: true,
          description: 'Types 1 and 2: up to three further tenants to get tokens from.',
          items: { type: 'string' },
        },
        adResourceID: optionalText('Not used.'),
        adEndpoint: optionalText('Types 1 and 2: a login endpoint other than that of the cloud.'),
        allowedNamespaces: allowedNamespacesSchema(),
      }),
      status: statusWithConditions(),
    },
    columns: [
      { name: 'Type', type: 'string', jsonPath: '.spec.type', description: '0 to 3: see spec.type' },
      { name: 'ClientID', type: 'string', jsonPath: '.spec.clientID' },
      ...readiness(),
      age(),
    ],
    statusSubresource: true,
  };
}

function azureIdentityBinding(): Definition {
  return {
    description: 'Gives pods an AzureIdentity of this namespace.',
    properties: {
      spec: object(
        'Which identity for which pods: those for which selector, podSelector and serviceAccountName hold, as far as they are given.',
        {
          azureIdentity: optionalText('The name of an AzureIdentity in the namespace of this object.'),
          selector: optionalText(
            'The value of the aadpodidbinding label of the pods, compared for equality.',
          ),
          podSelector: labelSelectorSchema(
            'Labels of the pods, which must be in the namespace of this object.',
          ),
          serviceAccountName: optionalText(
            'The ServiceAccount of the pods, which must be in the namespace of this object.',
            {
              maxLength: 253,
              pattern: objectNamePattern,
            },
          ),
          default: {
            type: 'boolean',
            nullable: true,
            description:
              'Whether this identity is meant by a request that names none, where the pod has several.',
          },
        },
      ),
      status: statusWithConditions(),
    },
    columns: [
      { name: 'AzureIdentity', type: 'string', jsonPath: '.spec.azureIdentity' },
      { name: 'Selector', type: 'string', jsonPath: '.spec.selector' },
      ...readiness(),
      age(),
    ],
    statusSubresource: true,
  };
}

function azureAssignedIdentity(): Definition {
  return {
    description: 'Written by MIC: one pod may act as one identity.',
    properties: {
      spec: object('Who may act as whom.', {
        azureIdentityRef: embedded('The AzureIdentity as it was at assignment.'),
        azureBindingRef: embedded('The AzureIdentityBinding as it was at assignment.'),
        pod: text('The name of the pod.'),
        podNamespace: text('The namespace of the pod.'),
        nodename: text('The node of the pod.'),
      }),
      status: object('How far it has come.', {
        status: text('Created, Assigned (the host carries the identity) or Unassigned.', {
          enum: ['', 'Created', 'Assigned', 'Unassigned'],
        }),
        availableReplicas: { type: 'integer', format: 'int32' },
      }),
      Status: open({ description: 'What releases before 1.6 wrote in place of status.' }),
    },
    columns: [
      { name: 'Pod', type: 'string', jsonPath: '.spec.pod' },
      { name: 'PodNamespace', type: 'string', jsonPath: '.spec.podNamespace' },
      { name: 'AzureIdentity', type: 'string', jsonPath: '.spec.azureIdentityRef.metadata.name' },
      { name: 'Node', type: 'string', jsonPath: '.spec.nodename' },
      { name: 'Status', type: 'string', jsonPath: '.status.status' },
      age(),
    ],
    statusSubresource: false,
  };
}

function azurePodIdentityException(): Definition {
  return {
    description:
      'Lets pods of this namespace with one of these labels reach the metadata service of their node.',
    properties: {
      spec: object('Which pods.', {
        podLabels: {
          type: 'object',
          description: 'A pod that has any of these labels is meant.',
          additionalProperties: { type: 'string' },
        },
        clientIDs: {
          type: 'array',
          nullable: true,
          description:
            'The client ids that such a pod may ask for. Without it: every identity of the node, its system-assigned one included.',
          items: { type: 'string' },
        },
      }),
      status: open(),
      Status: open({ description: 'What releases before 1.6 wrote in place of status.' }),
    },
    columns: [{ name: 'PodLabels', type: 'string', jsonPath: '.spec.podLabels' }, age()],
    statusSubresource: false,
  };
}

const definitions: Readonly<Record<Kind, () => Definition>> = {
  AzureIdentity: azureIdentity,
  AzureIdentityBinding: azureIdentityBinding,
  AzureAssignedIdentity: azureAssignedIdentity,
  AzurePodIdentityException: azurePodIdentityException,
};
