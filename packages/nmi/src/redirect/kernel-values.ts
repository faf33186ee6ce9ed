// The kernel settings that NMI changes, and their values.

export const routeLocalnet = '/proc/sys/net/ipv4/conf/all/route_localnet';

/**
 * What is put back at the removal. It is noted in the kernel, since a restart of the node resets the note with the settings.
 * - route_localnet: every number but 0 is on. NMI writes 2, and only over 0. Others, such as kube-proxy, write 1, also over 2: then it is
 *   theirs and stays.
 * - tcp_migrate_req takes 0 and 1 only: the note says that NMI has set it.
 */
export const setByNmi = { routeLocalnet: '2', note: '2579' };
