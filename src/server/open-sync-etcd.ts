import type { Settings } from '../config/settings.ts';
import type { Etcd } from '../etcd/types.ts';
import type { Closing } from './closing.ts';
import { toSyncEtcd } from './etcd-options.ts';

/** The etcd that changes of resources are delivered to, for scripts too; undefined when there is none. Nobody is asked yet: it may be away. */
export async function openSyncEtcd(settings: Settings, closing: Closing): Promise<Etcd | undefined> {
  const options = toSyncEtcd(settings);
  if (options === undefined) return undefined;
  const { createEtcd } = await import('../etcd/client.ts');
  return closing.add(createEtcd(options));
}
