import type { Settings } from '../config/settings.ts';
import type { EtcdClient, EtcdOptions } from '../etcd/types.ts';
import type { Closing } from './closing.ts';
import { toStorageEtcd, toSyncEtcd } from './etcd-options.ts';

/** The etcd that changes of resources are delivered to, for scripts too; undefined when there is none. Nobody is asked yet: it may be away. */
export async function openSyncEtcd(settings: Settings, closing: Closing): Promise<EtcdClient | undefined> {
  return await open(toSyncEtcd(settings), closing);
}

/** The etcd that holds the entities and knows the nodes; undefined when they live elsewhere. Nobody is asked yet. */
export async function openStorageEtcd(settings: Settings, closing: Closing): Promise<EtcdClient | undefined> {
  return await open(toStorageEtcd(settings), closing);
}

/** Loaded only where there is one. */
async function open(options: EtcdOptions | undefined, closing: Closing): Promise<EtcdClient | undefined> {
  if (options === undefined) return undefined;
  const { createEtcd } = await import('../etcd/client.ts');
  return closing.add(createEtcd(options));
}
