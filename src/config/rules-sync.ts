import type { Draft } from './draft.ts';
import type { Problems } from './problems.ts';
import type { SectionValue } from './setting.ts';
import type { SETTINGS } from './settings-table.ts';

type Table = NonNullable<Draft<SectionValue<typeof SETTINGS>>>;

/** Reports what the chosen kind of storage lacks. */
export function checkStorage(storage: Table['storage'], problems: Problems): void {
  if (storage?.type === 'file' && storage.dir === undefined)
    problems.report('storage.dir', 'is missing; `storage.type: file` needs a folder');
  if (storage?.type !== 'etcd') return;
  if ((storage.endpoints?.length ?? 0) === 0)
    problems.report('storage.endpoints', 'is missing; `storage.type: etcd` needs the addresses of its members');
  if (storage.dir === undefined)
    problems.report('storage.dir', 'is missing; the last good state is kept there, so that this node can start when etcd is away');
  if (storage.encryptionKey === undefined && storage.encryptionKeyFile === undefined)
    problems.report(
      'storage.encryption_key',
      'is missing; all nodes need one and the same key (`openssl rand -base64 32`), or none could read the secrets of the others',
    );
  checkAccess('storage', storage, problems);
}

/** Reports what of the event log, its receivers, watched keys and jobs does not fit together. */
export function checkSync(settings: Table, problems: Problems): void {
  const { etcd, etcdAccess, watch, webhooks, schemas, database, syncSource, eventLog } = settings;
  const hasEtcd = (etcd?.length ?? 0) > 0;
  if (!hasEtcd && (watch?.keys?.length ?? 0) > 0)
    problems.report('watch.keys', 'needs `etcd`: the addresses of the cluster whose keys are watched');
  if (hasEtcd) checkAccess('etcd_access', etcdAccess, problems);
  checkWatch(watch?.keys ?? [], watch?.events ?? [], problems);
  const hasModels = (schemas?.length ?? 0) > 0;
  if (!hasModels && (webhooks?.length ?? 0) > 0) problems.report('webhooks', 'needs `schemas`: their changes are what is sent');
  const names = (webhooks ?? []).map((webhook) => webhook?.name);
  for (const [index, name] of names.entries())
    if (name !== undefined && names.indexOf(name) !== index)
      problems.report(`webhooks[${index}].name`, `found ${JSON.stringify(name)} twice; expected one name for each receiver`);
  if (eventLog === 'off' && (hasEtcd || (webhooks?.length ?? 0) > 0))
    problems.report('event_log', 'found off beside `etcd` or `webhooks`, which are delivered from it; expected on');
  const source = syncSource?.type;
  const needed = source === 'postgres_replication' ? 'postgresql' : source === 'mysql_binlog' ? 'mysql' : undefined;
  if (needed !== undefined && database?.type !== undefined && database.type !== needed)
    problems.report(
      'sync_source.type',
      `found ${source} beside \`database.type: ${database.type}\`; expected poll, or \`database.type: ${needed}\``,
    );
}

/** Gohan takes all of these, and runs nothing. */
function checkWatch(keys: readonly (string | undefined)[], events: readonly (string | undefined)[], problems: Problems): void {
  const given = keys.flatMap((key, index) => (key === undefined ? [] : [{ key, index }]));
  const starts = events.flatMap((event, index) => (event === undefined ? [] : [{ event, index, start: `/${event}` }]));
  const fits = (key: string, start: string): boolean => key.startsWith(start) || start.startsWith(key);
  for (const { key, index } of given) {
    const slash = key.startsWith('/') ? '' : `; keys begin with a slash, as in ${JSON.stringify(`/${key}`)}`;
    if (!starts.some(({ start }) => fits(key, start)))
      problems.warn(`watch.keys[${index}]`, `runs nothing: no entry of watch.events is about keys such as ${JSON.stringify(key)}${slash}`);
  }
  for (const { event, index, start } of starts) {
    const slash = event.startsWith('/') ? `; it stands without its first slash, as in ${JSON.stringify(event.slice(1))}` : '';
    if (!given.some(({ key }) => fits(key, start)))
      problems.warn(
        `watch.events[${index}]`,
        `never runs: no entry of watch.keys has keys that begin with ${JSON.stringify(start)}${slash}`,
      );
  }
}

function checkAccess(path: string, access: Table['etcdAccess'], problems: Problems): void {
  if ((access?.username === undefined) !== (access?.password === undefined))
    problems.report(`${path}.${access?.username === undefined ? 'username' : 'password'}`, 'is missing; user and password come together');
  if ((access?.tls?.certFile === undefined) !== (access?.tls?.keyFile === undefined))
    problems.report(
      `${path}.tls.${access?.tls?.certFile === undefined ? 'cert_file' : 'key_file'}`,
      'is missing; certificate and key come together',
    );
}
