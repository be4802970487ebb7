import type { Etcd } from '../etcd/types.ts';
import { SekishoError } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import { toResourcePath } from '../schema/resource-path.ts';
import type { EventLog } from '../sql/event-log.ts';
import type { Database, Resource } from '../sql/types.ts';
import { type Difference, orphanedKeys, rowPages } from './difference.ts';
import { allFields, toResource } from './find-rows.ts';
import { formerKeys } from './former-keys.ts';
import type { SyncLayout, TypeLayout } from './layout.ts';
import { CONFIG_PREFIX, MONITORING_PREFIX, STATE_PREFIX } from './names.ts';
import { pause } from './pause.ts';

export interface ResyncOptions {
  readonly database: Database;
  readonly log: EventLog;
  readonly etcd: Etcd;
  readonly layout: SyncLayout;
  /** Ids of schemas; empty for all. */
  readonly schemas: readonly string[];
  readonly onProgress?: (progress: ResyncProgress) => void;
  readonly signal?: AbortSignal;
}

/** `write`: rows put into the event log, per schema. `deliver`: rows that the leader has delivered. `clean`: keys removed, per schema; those of former schemas have none. */
export interface ResyncProgress {
  readonly phase: 'write' | 'deliver' | 'clean';
  readonly schema?: string;
  readonly done: number;
  readonly total?: number;
}

export interface ResyncResult {
  /** Resources that were put into the event log. */
  readonly written: number;
  /** Keys of etcd that no resource had. */
  readonly removed: number;
  /** Rows that the leader had not delivered when it made no more progress. */
  readonly waiting: number;
}

const PAGE = 200;
/** The log is not filled further than this ahead of its delivery. */
const MAX_BACKLOG = 10_000;
const POLL_MS = 100;
/** Without progress for so long, nobody delivers. */
const STALL_MS = 30_000;

/**
 * Makes etcd hold what it should: every resource goes through the event log once more, in the order that its row lock gives it among changes of others, and
 * then keys that no resource has are removed; without named schemas those of former schemas too. Runs on any node, while others write; the leader delivers. QUERY_INVALID for a schema that there is not.
 */
export async function resync(options: ResyncOptions): Promise<ResyncResult> {
  const types = chosenTypes(options);
  let written = 0;
  for (const layout of types) written += await writeAll(options, layout);
  const waiting = await awaitDelivery(options);
  let removed = 0;
  for (const layout of types) removed += await removeAll(options, orphanedKeys(options, layout), layout.type.id);
  if (options.schemas.length === 0) removed += await removeAll(options, formerKeys(options));
  return { written, removed, waiting };
}

function chosenTypes({ layout, schemas }: ResyncOptions): readonly TypeLayout[] {
  if (schemas.length === 0) return layout.types;
  const known = layout.types.map(({ type }) => type.id);
  return schemas.map((id) => {
    const found = layout.types.find(({ type }) => type.id === id);
    if (found !== undefined) return found;
    const near = nearest(id, known);
    throw new SekishoError(
      'QUERY_INVALID',
      `there is no synchronised schema ${JSON.stringify(id)}${near === undefined ? '' : `; did you mean ${near}?`}`,
    );
  });
}

async function writeAll(options: ResyncOptions, layout: TypeLayout): Promise<number> {
  const { database, log, signal, onProgress } = options;
  const { type } = layout;
  const total = await database.reader.count(type, { kind: 'true' });
  let done = 0;
  for await (const rows of rowPages(layout, database, PAGE)) {
    signal?.throwIfAborted();
    done += await writePage(database, layout, rows);
    onProgress?.({ phase: 'write', schema: type.id, done, total });
    await awaitLog(log, MAX_BACKLOG, undefined, signal);
  }
  return done;
}

/** Rows as they are under their locks: whatever comes after that has a later event. */
async function writePage(database: Database, layout: TypeLayout, rows: readonly Resource[]): Promise<number> {
  const { type } = layout;
  const values = rows.map((row) => row['id'] as string | number);
  return await database.transaction(
    async (session) => {
      const filter = { kind: 'in', property: 'id', values } as const;
      const locked = await session.list(type, { filter, fields: allFields(type), embed: false, lock: 'skip_related' });
      for (const row of locked) {
        await session.logEvent({
          type: 'update',
          path: toResourcePath(type, String(row['id'])),
          version: type.stateVersioning ? Number(row['config_version'] ?? 0) : 0,
          body: JSON.stringify(toResource(type, row)),
          syncPlain: layout.isPlain,
          syncProperty: layout.property,
        });
      }
      return locked.length;
    },
    { isolation: 'READ COMMITTED' },
  );
}

async function awaitDelivery({ log, onProgress, signal }: ResyncOptions): Promise<number> {
  const upTo = await log.lastId();
  const total = (await log.backlog(upTo)).count;
  return await awaitLog(log, 0, upTo, signal, (count) => onProgress?.({ phase: 'deliver', done: total - count, total }));
}

/** Waits until at most `most` rows wait, or nothing moves any more; gives how many do. */
async function awaitLog(
  log: EventLog,
  most: number,
  upTo: number | undefined,
  signal: AbortSignal | undefined,
  onCount: (count: number) => void = () => undefined,
): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  let movedAt = performance.now();
  for (;;) {
    const { count } = await log.backlog(upTo);
    onCount(count);
    if (count < least) {
      least = count;
      movedAt = performance.now();
    }
    if (count <= most || performance.now() - movedAt > STALL_MS) return count;
    await pause(POLL_MS, signal ?? new AbortController().signal);
    signal?.throwIfAborted();
  }
}

/** Removes keys with what was reported about them. */
async function removeAll({ etcd, onProgress }: ResyncOptions, differences: AsyncIterable<Difference>, schema?: string): Promise<number> {
  let removed = 0;
  for await (const { key, modRevision } of differences) {
    const path = key.startsWith(`${CONFIG_PREFIX}/`) ? key.slice(CONFIG_PREFIX.length) : key;
    const { succeeded } = await etcd.txn({
      // A resource that is made meanwhile has another revision.
      compare: [{ key, target: 'modRevision', result: '=', value: modRevision }],
      success: [{ delete: { key: STATE_PREFIX + path } }, { delete: { key: MONITORING_PREFIX + path } }, { delete: { key } }],
    });
    if (succeeded) removed += 1;
    onProgress?.({ phase: 'clean', ...(schema !== undefined && { schema }), done: removed });
  }
  return removed;
}
