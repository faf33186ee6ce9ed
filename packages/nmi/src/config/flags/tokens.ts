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
      help: 'Hosts (with port, if it is not 443) to which NMI may send secrets of service principals. An AzureIdentity with another spec.adEndpoint gets no token.',
    },
    'the original sends the secret to any host that the AzureIdentity names',
  ),
  added(
    {
      name: 'prefetch',
      kind: 'list',
      default: [],
      help: 'Resources for which NMI requests tokens as soon as a pod is bound. A pod can name its own in the annotation aadpodidentity.k8s.io/prefetch. Empty list: only those.',
    },
    'the first request does not wait for the metadata service',
  ),
];
