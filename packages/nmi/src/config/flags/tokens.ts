import { added, type NmiFlag } from './flag.ts';

/** Where tokens come from. */
export const tokensFlags: readonly NmiFlag[] = [
  added(
    {
      name: 'authority-allow',
      kind: 'list',
      default: [
        'login.microsoftonline.com',
        'login.microsoftonline.us',
        'login.partner.microsoftonline.cn',
        'login.chinacloudapi.cn',
      ],
      help: 'Hosts, with port where it is not 443, that secrets of service principals may be sent to. An AzureIdentity with another spec.adEndpoint gets no token.',
    },
    'the original sends the secret wherever the AzureIdentity says',
  ),
  added(
    {
      name: 'prefetch',
      kind: 'list',
      default: [],
      help: 'Resources to have tokens ready for as soon as a pod is bound, before it asks. A pod can name its own in the annotation aadpodidentity.k8s.io/prefetch. Empty list: only those.',
    },
    'the first answer need not wait for the metadata service',
  ),
];
