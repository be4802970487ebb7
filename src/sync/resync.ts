import type { Etcd } from '../etcd/types.ts';
import { SekishoError } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import { toResourcePath } from '../schema/resource-path.ts';
import type { EventLog } from '../sql/event-log.ts';
import type { Database, Resource } from '../sql/types.ts';
import { type Difference, orphanedKeys, rowPages } from './difference.ts';
import { type Drift, findDrift } from './drift.ts';
import { allFields, toResource } from './find-rows.ts';
import { formerKeys, formerProblem, namedKeys, otherOwner } from './former-keys.ts';
import type { SyncLayout, TypeLayout } from './layout.ts';
import { CONFIG_PREFIX, MONITORING_PREFIX, STATE_PREFIX } from './names.ts';
import { pause } from './pause.ts';

export interface ResyncOptions {
  readonly database: Database;
  readonly log: EventLog;
  readonly etcd: Etcd;
  readonly layout: SyncLayout;
  /** See `database-id.ts`. */
  readonly databaseId?: string;
  /** Ids of schemas; empty for all. */
  readonly schemas: readonly string[];
  /** Templates of keys that they had before, whose keys are removed as well. */
  readonly former?: readonly string[];
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
  /** Keys where no resource is, and that stay because their values are none of ours. */
  readonly kept: number;
  /** Rows that the leader had not delivered when it made no more progress. */
  readonly waiting: number;
}

const PAGE = 200;
/** Keys that a rehearsal names. */
const MAX_NAMED = 1000;
/** The log is not filled further than this ahead of its delivery. */
const MAX_BACKLOG = 10_000;
const POLL_MS = 100;
/** Without progress for so long, nobody delivers. */
const STALL_MS = 30_000;

/**
 * Makes etcd hold what it should: every resource goes through the event log once more, in the order that its row lock gives it among changes of others, and
 * then keys that no resource has are removed; without named schemas those of former layouts too. Runs on any node, while others write; the leader delivers.
 * QUERY_INVALID for a schema that there is not, and for a former template that could be any key; SYNC_OTHER_DATABASE when etcd holds what another database has.
 */
export async function resync(options: ResyncOptions): Promise<ResyncResult> {
  const types = chosenTypes(options);
  const former = formerOf(options);
  await checkOwner(options);
  let written = 0;
  for (const layout of types) written += await writeAll(options, layout);
  const waiting = await awaitDelivery(options);
  await checkOwner(options);
  const cleaned = { removed: 0, kept: 0 };
  for (const layout of types) await removeAll(options, orphanedKeys(options, layout), cleaned, layout.type.id);
  await removeAll(options, options.schemas.length === 0 ? formerKeys(options, former) : namedKeys(options, former), cleaned);
  return { written, ...cleaned, waiting };
}

/** Who leads writes down from which database it delivers; it may be another one after a while. */
async function checkOwner(options: ResyncOptions): Promise<void> {
  const pattern = await otherOwner(options);
  if (pattern === undefined) return;
  throw new SekishoError(
    'SYNC_OTHER_DATABASE',
    `keys such as ${pattern} were delivered from another database than that of this gateway, so nothing was removed; is \`etcd\` the right one?`,
  );
}

/** What `resync` with the same options would repair: of the keys that are named, `orphaned` ones would be removed. Changes nothing. */
export async function rehearse(options: ResyncOptions): Promise<Drift> {
  const types = chosenTypes(options);
  const former = formerOf(options);
  await checkOwner(options);
  return await findDrift(options, { ...(options.schemas.length > 0 && { types }), former, maxExamples: MAX_NAMED });
}

function formerOf({ former = [] }: ResyncOptions): readonly string[] {
  for (const template of former) {
    const problem = formerProblem(template);
    if (problem !== undefined) throw new SekishoError('QUERY_INVALID', `the former template ${JSON.stringify(template)} ${problem}`);
  }
  return former;
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

/** Removes keys with what was reported about them, and leaves those of others alone. */
async function removeAll(
  { etcd, onProgress }: ResyncOptions,
  differences: AsyncIterable<Difference>,
  cleaned: { removed: number; kept: number },
  schema?: string,
): Promise<void> {
  for await (const { kind, key, modRevision } of differences) {
    if (kind !== 'orphaned') {
      cleaned.kept += 1;
      continue;
    }
    const path = key.startsWith(`${CONFIG_PREFIX}/`) ? key.slice(CONFIG_PREFIX.length) : key;
    const { succeeded } = await etcd.txn({
      // A resource that is made meanwhile has another revision.
      compare: [{ key, target: 'modRevision', result: '=', value: modRevision }],
      success: [{ delete: { key: STATE_PREFIX + path } }, { delete: { key: MONITORING_PREFIX + path } }, { delete: { key } }],
    });
    if (succeeded) cleaned.removed += 1;
    onProgress?.({ phase: 'clean', ...(schema !== undefined && { schema }), done: cleaned.removed });
  }
}
