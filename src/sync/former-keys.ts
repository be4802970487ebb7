import type { Etcd, KeyValue, TxnOperation } from '../etcd/types.ts';
import { observe } from '../lib/event.ts';
import { toResourcePath } from '../schema/resource-path.ts';
import { splitSyncKey } from '../schema/sync-key.ts';
import type { ResourceType } from '../schema/types.ts';
import { type Comparison, type Difference, readKeys } from './difference.ts';
import { compileKeyTemplate, type KeyTemplate } from './key-template.ts';
import type { SyncLayout, TypeLayout } from './layout.ts';
import { CONFIG_PREFIX, LAYOUTS_PREFIX, REPORTS_PREFIX } from './names.ts';
import type { Fence } from './types.ts';
import { bodyOf, parse, toFields } from './value.ts';

/** Keys that were written under a layout that the schemas do not have any more: of a schema that is gone, is `nosync` now, or has another template. */
interface FormerLayout {
  readonly template: KeyTemplate;
  /** Whether a key has a value that we wrote. */
  isOurs(kv: KeyValue): boolean;
}

const PAGE = 500;
const MAX_OPERATIONS = 100;
/** Under which no resource stands. */
const PREFIXES = ['/gohan/', REPORTS_PREFIX];

/**
 * Writes down in etcd, before anything is written under them, which keys are ours: one record per schema and template, which outlives both. False when
 * another node leads.
 */
export async function recordLayout(
  etcd: Etcd,
  { types }: SyncLayout,
  { compare, lost }: Fence,
  databaseId: string | undefined,
): Promise<boolean> {
  const known = new Map<string, Buffer>();
  for await (const { kvs } of etcd.pages({ prefix: LAYOUTS_PREFIX }, lost)) for (const kv of kvs) known.set(kv.key, kv.value);
  const missing = types.map((type) => toRecord(type, databaseId)).filter(({ key, value }) => known.get(key)?.toString() !== value);
  const others = missing.find(({ key }) => isOfOther(known.get(key) ?? Buffer.alloc(0), databaseId));
  for (let from = 0; from < missing.length; from += MAX_OPERATIONS) {
    const success = missing.slice(from, from + MAX_OPERATIONS).map((put): TxnOperation => ({ put }));
    const { succeeded } = await etcd.txn({ ...(compare !== undefined && { compare: [compare] }), success });
    if (!succeeded) return false;
  }
  if (others !== undefined)
    observe({
      type: 'warning',
      text: `keys such as ${others.key.slice(LAYOUTS_PREFIX.length)} were delivered from another database until now; is \`etcd\` the right one?`,
    });
  return true;
}

function toRecord({ type, pattern, isPlain }: TypeLayout, database: string | undefined): { readonly key: string; readonly value: string } {
  return { key: LAYOUTS_PREFIX + pattern, value: JSON.stringify({ schema: type.id, plain: isPlain, database }) };
}

/** One of the present templates under which keys were last delivered from another database; undefined when there is none. */
export async function otherOwner({ etcd, layout, databaseId, signal }: Comparison): Promise<string | undefined> {
  const patterns = new Set(layout.types.map(({ pattern }) => pattern));
  for await (const { kvs } of etcd.pages({ prefix: LAYOUTS_PREFIX }, signal))
    for (const { key, value } of kvs) {
      const pattern = key.slice(LAYOUTS_PREFIX.length);
      if (patterns.has(pattern) && isOfOther(value, databaseId)) return pattern;
    }
  return undefined;
}

function isOfOther(record: Buffer, databaseId: string | undefined): boolean {
  const { database } = toFields(parse(record.toString()));
  return databaseId !== undefined && typeof database === 'string' && database !== databaseId;
}

/**
 * The keys under former layouts that no present one has: under those that were written down, under those that the operator names (`templates`), and where
 * the present schemas would have their keys without a template, as they may have had before anything was written down. Those with a value that we do not
 * write are `foreign`. Nothing is told of a key that the log has something about.
 */
export async function* formerKeys(comparison: Comparison, templates: readonly string[] = []): AsyncGenerator<Difference> {
  for await (const former of formerLayouts(comparison, templates)) yield* keysOf(comparison, former);
}

/** The keys under templates that the operator names. */
export async function* namedKeys(comparison: Comparison, templates: readonly string[]): AsyncGenerator<Difference> {
  for (const template of templates) yield* keysOf(comparison, toNamed(template));
}

/** What is wrong with a template that an operator names; undefined when nothing is. */
export function formerProblem(text: string): string | undefined {
  const { literals, names } = splitSyncKey(text);
  const [prefix = ''] = literals;
  if (!prefix.startsWith('/') || !prefix.slice(1).includes('/'))
    return 'must begin with a whole segment of its own, as in /config/v1.0/dev/{{id}}: others may have keys beside ours';
  if (names.length === 0) return 'must have a property in double braces, as in /config/v1.0/dev/{{id}}';
  if (PREFIXES.some((ours) => prefix.startsWith(ours))) return 'names keys that the gateway itself needs';
  return undefined;
}

async function* formerLayouts(
  { etcd, layout, databaseId, signal }: Comparison,
  templates: readonly string[],
): AsyncGenerator<FormerLayout> {
  const known = new Set(layout.types.map(({ pattern }) => pattern));
  for await (const { kvs } of etcd.pages({ prefix: LAYOUTS_PREFIX }, signal))
    for (const record of kvs) {
      const pattern = record.key.slice(LAYOUTS_PREFIX.length);
      const former = known.has(pattern) || isOfOther(record.value, databaseId) ? undefined : toRecorded(pattern, record);
      if (former !== undefined) yield former;
      known.add(pattern);
    }
  for (const template of templates) if (!known.has(template)) yield toNamed(template);
  for (const { pattern, type } of layout.usual) if (!known.has(pattern)) yield toUsual(pattern, type);
}

async function* keysOf({ etcd, log, layout, signal }: Comparison, { template, isOurs }: FormerLayout): AsyncGenerator<Difference> {
  for await (const { kvs } of etcd.pages({ prefix: template.prefix, keysOnly: true, limit: PAGE }, signal))
    for (const { key } of kvs) {
      if (template.match(key) === undefined || layout.hasKey(key)) continue;
      // The log first: what it delivers after that changes the key, and with it the revision that a removal compares.
      if ((await log.pending([toPath(key)])).size > 0) continue;
      const kv = (await readKeys(etcd, [key])).get(key);
      if (kv !== undefined) yield { kind: isOurs(kv) ? 'orphaned' : 'foreign', key, modRevision: kv.modRevision };
    }
}

/** Undefined for a record that is none of ours. */
function toRecorded(pattern: string, { value }: KeyValue): FormerLayout | undefined {
  const template = compileKeyTemplate(pattern);
  // One that begins with a property could be any key of etcd.
  if (template.prefix.length < 2) return undefined;
  const { schema, plain } = toFields(parse(value.toString()));
  if (typeof schema !== 'string') return undefined;
  return { template, isOurs: plain === true ? () => true : isWrapped };
}

function toNamed(pattern: string): FormerLayout {
  return { template: compileKeyTemplate(pattern), isOurs: isWrapped };
}

/** Nobody wrote down that we had keys there: so it counts what a value says of itself. */
function toUsual(pattern: string, type: ResourceType): FormerLayout {
  return {
    template: compileKeyTemplate(pattern),
    isOurs({ key, value }) {
      const { id } = toFields(parse(bodyOf(value.toString()) ?? ''));
      return (typeof id === 'string' || typeof id === 'number') && key === CONFIG_PREFIX + toResourcePath(type, String(id));
    },
  };
}

function toPath(key: string): string {
  return key.startsWith(`${CONFIG_PREFIX}/`) ? key.slice(CONFIG_PREFIX.length) : key;
}

function isWrapped({ value }: KeyValue): boolean {
  return bodyOf(value.toString()) !== undefined;
}
