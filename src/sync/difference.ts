import { isDeepStrictEqual } from 'node:util';
import type { Etcd, KeyValue } from '../etcd/types.ts';
import { toResourcePath } from '../schema/resource-path.ts';
import type { EventLog } from '../sql/event-log.ts';
import type { Database, Resource } from '../sql/types.ts';
import { allFields, findRows, toResource } from './find-rows.ts';
import type { SyncLayout, TypeLayout } from './layout.ts';
import { bodyOf, parse, toFields, toValue } from './value.ts';

/**
 * A key that does not hold what the database says, though nothing about it waits in the event log. `orphaned`: no resource has it, and its value is one
 * that we write; `foreign`: its value is not, so it may be somebody else's.
 */
export interface Difference {
  readonly kind: 'missing' | 'different' | 'orphaned' | 'foreign';
  readonly key: string;
  /** etcd's revision of the key; 0 for a missing one. */
  readonly modRevision: number;
}

export interface Comparison {
  readonly database: Database;
  readonly log: EventLog;
  readonly etcd: Etcd;
  readonly layout: SyncLayout;
  /** See `database-id.ts`; absent where etcd is known to be that of the database. */
  readonly databaseId?: string;
  readonly signal?: AbortSignal;
}

const PAGE = 500;
/** Values that are read from etcd at once. */
const CHUNK = 50;

/** Rows of a type, page by page in the order of their keys. Changes meanwhile may or may not be in it. */
export async function* rowPages({ type }: TypeLayout, database: Database, size = PAGE): AsyncGenerator<readonly Resource[]> {
  const key = type.propertyByName.has('id') ? 'id' : (type.properties[0]?.name ?? 'id');
  let after: readonly unknown[] | undefined;
  for (;;) {
    const selection = { filter: { kind: 'true' }, fields: allFields(type), embed: false, limit: size } as const;
    const rows = await database.reader.list(type, { ...selection, ...(after !== undefined && { after }) });
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows;
    if (rows.length < size) return;
    after = [last[key]];
  }
}

/** The rows of a type that etcd has not, or has otherwise; `onRows` is told how many were looked at. Right while others write. */
export async function* differingRows(
  comparison: Comparison,
  layout: TypeLayout,
  onRows: (count: number) => void = () => undefined,
): AsyncGenerator<Difference> {
  for await (const rows of rowPages(layout, comparison.database)) {
    comparison.signal?.throwIfAborted();
    for (let from = 0; from < rows.length; from += CHUNK) {
      const paths = rows.slice(from, from + CHUNK).map((row) => layout.pathOf(row));
      const present = await readKeys(
        comparison.etcd,
        paths.map((path) => layout.configPrefix + path),
      );
      const suspects = paths.filter((path, at) => !holds(layout, rows[from + at], present.get(layout.configPrefix + path)));
      for (const path of suspects) {
        const difference = await confirm(comparison, layout, path);
        if (difference !== undefined) yield difference;
      }
    }
    onRows(rows.length);
  }
}

/** The keys of a type in etcd that no row has: orphaned and foreign ones. Right while others write. */
export async function* orphanedKeys(comparison: Comparison, layout: TypeLayout): AsyncGenerator<Difference> {
  const { database, etcd, signal } = comparison;
  const prefix = layout.configPrefix + layout.pathPrefix;
  for await (const page of etcd.pages({ prefix, keysOnly: true, limit: PAGE }, signal)) {
    const paths = page.kvs.map(({ key }) => key.slice(layout.configPrefix.length)).filter((path) => layout.match(path) !== undefined);
    const rows = await findRows(database.reader, layout, paths);
    for (const path of paths) {
      if (rows.has(path)) continue;
      const difference = await confirm(comparison, layout, path);
      if (difference?.kind === 'orphaned' || difference?.kind === 'foreign') yield difference;
    }
  }
}

/**
 * Looks at one path again: etcd, then the database, then the log, then etcd once more. A change that the log delivers meanwhile either still waits in it, or
 * changes etcd between the two looks; what differs without either is a difference.
 */
async function confirm(comparison: Comparison, layout: TypeLayout, path: string): Promise<Difference | undefined> {
  const { database, log, etcd } = comparison;
  const key = layout.configPrefix + path;
  const before = (await readKeys(etcd, [key])).get(key);
  const claimants = comparison.layout.types.filter(
    (other) => other === layout || (other.configPrefix === layout.configPrefix && other.match(path) !== undefined),
  );
  const found = await Promise.all(
    claimants.map(async (claimant) => [claimant, (await findRows(database.reader, claimant, [path])).get(path)] as const),
  );
  const [owner = layout, row] = found.find(([, one]) => one !== undefined) ?? [];
  if (holds(owner, row, before)) return undefined;
  // The event path of a row that is gone is not known with a template; what waits there shows in etcd soon, or in the next comparison.
  const eventPaths = new Set([path, ...(row === undefined ? [] : [toResourcePath(owner.type, String(row['id']))])]);
  for (const [claimant] of found) for (const id of claimant.match(path)?.['id'] ?? []) eventPaths.add(toResourcePath(claimant.type, id));
  if ((await log.pending([...eventPaths])).size > 0) return undefined;
  const after = (await readKeys(etcd, [key])).get(key);
  if (after?.modRevision !== before?.modRevision) return undefined;
  if (before === undefined) return { kind: 'missing', key, modRevision: 0 };
  const { modRevision } = before;
  if (row !== undefined) return { kind: 'different', key, modRevision };
  const isOurs = claimants.some(({ isPlain }) => isPlain) || bodyOf(before.value.toString()) !== undefined;
  return { kind: isOurs ? 'orphaned' : 'foreign', key, modRevision };
}

/** The keys that are there, by their names. */
export async function readKeys(etcd: Etcd, keys: readonly string[]): Promise<ReadonlyMap<string, KeyValue>> {
  const found = new Map<string, KeyValue>();
  const { responses } = await etcd.txn({ success: keys.map((key) => ({ range: { key } })) });
  for (const response of responses) if (response.type === 'range') for (const kv of response.result.kvs) found.set(kv.key, kv);
  return found;
}

/** Whether a key holds what its row says. A row without a value (an empty one) has no key. */
function holds(layout: TypeLayout, row: Resource | undefined, kv: KeyValue | undefined): boolean {
  if (row === undefined) return kv === undefined;
  const expected = toValue(toEventRow(layout, row));
  if (expected === undefined || kv === undefined) return expected === undefined && kv === undefined;
  const text = kv.value.toString();
  if (text === expected) return true;
  const wanted = parse(expected);
  const present = parse(text);
  if (layout.isPlain) return isSame(wanted, present);
  const { body: wantedBody, version: wantedVersion } = toFields(wanted);
  const { body, version } = toFields(present);
  // Without state_versioning the version tells only how the key came to be.
  if (layout.type.stateVersioning && version !== wantedVersion) return false;
  return typeof body === 'string' && isSame(parse(String(wantedBody)), parse(body));
}

function toEventRow(layout: TypeLayout, row: Resource): Parameters<typeof toValue>[0] {
  return {
    path: layout.pathOf(row),
    version: layout.type.stateVersioning ? Number(row['config_version'] ?? 0) : 0,
    body: JSON.stringify(toResource(layout.type, row)),
    syncPlain: layout.isPlain,
    syncProperty: layout.property,
  };
}

/** Equal, where an absent property of a resource is a null one: columns are added to schemas later on. */
function isSame(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(withoutNulls(one), withoutNulls(other));
}

function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== null));
}
