import { readFileSync } from 'node:fs';
import type { Settings } from '../config/settings.ts';
import type { EtcdOptions } from '../etcd/types.ts';

type Access = Pick<Settings['storage'], 'username' | 'password' | 'tls'>;

/** How the cluster is reached that holds the entities; undefined when they live elsewhere. */
export function toStorageEtcd({ storage }: Pick<Settings, 'storage'>): EtcdOptions | undefined {
  if (storage.type !== 'etcd') return undefined;
  return toEtcdOptions(storage.endpoints, storage, storage.timeoutMs);
}

/** How the cluster is reached that changes of resources are delivered to; undefined when there is none. */
export function toSyncEtcd({ etcd, etcdAccess, etcdTimeoutMs }: Settings): EtcdOptions | undefined {
  return etcd.length === 0 ? undefined : toEtcdOptions(etcd, etcdAccess, etcdTimeoutMs);
}

function toEtcdOptions(endpoints: readonly string[], { username, password, tls }: Access, timeoutMs: number): EtcdOptions {
  return {
    endpoints,
    timeoutMs,
    ...(username !== undefined && password !== undefined && { username, password }),
    ...(tls !== undefined && { tls: readTls(tls) }),
  };
}

function readTls({ caFile, certFile, keyFile, skipVerify }: NonNullable<Access['tls']>): NonNullable<EtcdOptions['tls']> {
  return {
    skipVerify,
    ...(caFile !== undefined && { ca: readFileSync(caFile, 'utf8') }),
    ...(certFile !== undefined && { cert: readFileSync(certFile, 'utf8') }),
    ...(keyFile !== undefined && { key: readFileSync(keyFile, 'utf8') }),
  };
}
