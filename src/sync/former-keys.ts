import type { Etcd, KeyValue, TxnOperation } from '../etcd/types.ts';
import { type Comparison, type Difference, readKeys } from './difference.ts';
import { compileKeyTemplate, type KeyTemplate } from './key-template.ts';
import type { SyncLayout, TypeLayout } from './layout.ts';
import { CONFIG_PREFIX, LAYOUTS_PREFIX } from './names.ts';
import type { Fence } from './types.ts';

/** Keys that were written under a layout that the schemas do not have any more: of a schema that is gone, is `nosync` now, or has another template. */
interface FormerLayout {
  readonly isPlain: boolean;
  readonly template: KeyTemplate;
}

const PAGE = 500;
const MAX_OPERATIONS = 100;

/**
 * Writes down in etcd, before anything is written under them, which keys are ours: one record per schema and template, which outlives both. False when
 * another node leads.
 */
export async function recordLayout(etcd: Etcd, { types }: SyncLayout, { compare, lost }: Fence): Promise<boolean> {
  const known = new Map<string, string>();
  for await (const { kvs } of etcd.pages({ prefix: LAYOUTS_PREFIX }, lost)) for (const kv of kvs) known.set(kv.key, kv.value.toString());
  const missing = types.map(toRecord).filter(({ key, value }) => known.get(key) !== value);
  for (let from = 0; from < missing.length; from += MAX_OPERATIONS) {
    const success = missing.slice(from, from + MAX_OPERATIONS).map((put): TxnOperation => ({ put }));
    const { succeeded } = await etcd.txn({ ...(compare !== undefined && { compare: [compare] }), success });
    if (!succeeded) return false;
  }
  return true;
}

function toRecord({ type, pattern, isPlain }: TypeLayout): { readonly key: string; readonly value: string } {
  return { key: LAYOUTS_PREFIX + pattern, value: JSON.stringify({ schema: type.id, plain: isPlain }) };
}

/** The keys under former layouts that no present one has. They are told only when their value is one that we write, and nothing about them waits in the log. */
export async function* formerKeys({ etcd, log, layout, signal }: Comparison): AsyncGenerator<Difference> {
  const patterns = new Set(layout.types.map(({ pattern }) => pattern));
  for await (const { kvs } of etcd.pages({ prefix: LAYOUTS_PREFIX }, signal))
    for (const record of kvs) {
      const pattern = record.key.slice(LAYOUTS_PREFIX.length);
      const former = patterns.has(pattern) ? undefined : toFormer(pattern, record);
      if (former !== undefined) yield* keysOf(former);
    }

  async function* keysOf({ template, isPlain }: FormerLayout): AsyncGenerator<Difference> {
    for await (const { kvs } of etcd.pages({ prefix: template.prefix, keysOnly: true, limit: PAGE }, signal))
      for (const { key } of kvs) {
        if (template.match(key) === undefined || layout.hasKey(key)) continue;
        // The log first: what it delivers after that changes the key, and with it the revision that a removal compares.
        if ((await log.pending([toPath(key)])).size > 0) continue;
        const kv = (await readKeys(etcd, [key])).get(key);
        if (kv !== undefined && (isPlain || isWrapped(kv))) yield { kind: 'orphaned', key, modRevision: kv.modRevision };
      }
  }
}

/** Undefined for a record that is none of ours. */
function toFormer(pattern: string, { value }: KeyValue): FormerLayout | undefined {
  const template = compileKeyTemplate(pattern);
  // One that begins with a property could be any key of etcd.
  if (template.prefix.length < 2) return undefined;
  try {
    const { plain } = JSON.parse(value.toString()) as { readonly plain?: unknown };
    return { template, isPlain: plain === true };
  } catch {
    return undefined;
  }
}

function toPath(key: string): string {
  return key.startsWith(`${CONFIG_PREFIX}/`) ? key.slice(CONFIG_PREFIX.length) : key;
}

function isWrapped({ value }: KeyValue): boolean {
  try {
    const { body, version } = JSON.parse(value.toString()) as { readonly body?: unknown; readonly version?: unknown };
    return typeof body === 'string' && typeof version === 'number';
  } catch {
    return false;
  }
}
