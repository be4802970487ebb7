import { hasCode } from './etcd-error.ts';
import type { Transport } from './transport.ts';
import type { RangeQuery, RangeResult } from './types.ts';
import { toBytes, toMessages, toRangeResult } from './wire.ts';
import { toKeyAfter, toRangeRequest } from './wire-request.ts';

/** How many keys one page has when the caller does not say; fewer where the values are large. */
const PAGE_KEYS = 512;

/** One range read. */
export async function readRange(transport: Transport, query: RangeQuery, signal?: AbortSignal): Promise<RangeResult> {
  return (await ask(transport, query, undefined, signal)).result;
}

async function ask(transport: Transport, query: RangeQuery, start: Buffer | undefined, signal?: AbortSignal) {
  const answer = await transport.call('/v3/kv/range', toRangeRequest(query, start), { signal });
  const last = toMessages(answer.kvs).at(-1);
  // Bytes, not text: a key of another program need not be UTF-8.
  return { result: toRangeResult(answer), next: last === undefined ? undefined : toKeyAfter(toBytes(last.key)) };
}

/** All keys of a prefix at the revision of the first page. `limit` is the size of a page. */
export async function* readPages(
  transport: Transport,
  query: RangeQuery & { readonly prefix: string },
  signal?: AbortSignal,
): AsyncGenerator<RangeResult, void, undefined> {
  let limit = query.limit ?? PAGE_KEYS;
  let revision = query.revision;
  let start = query.after === undefined ? undefined : toKeyAfter(query.after);
  for (;;) {
    try {
      const { result, next } = await ask(transport, { ...query, limit, ...(revision !== undefined && { revision }) }, start, signal);
      revision ??= result.revision;
      yield { ...result, revision };
      if (!result.more || next === undefined) return;
      start = next;
    } catch (error) {
      if (!hasCode(error, 'ETCD_TOO_LARGE') || limit === 1) throw error;
      limit = Math.ceil(limit / 8);
    }
  }
}

/** All keys of a prefix at one revision, in one piece. */
export async function readAll(
  transport: Transport,
  query: Pick<RangeQuery, 'keysOnly'> & { readonly prefix: string },
  signal?: AbortSignal,
): Promise<RangeResult> {
  const pages: RangeResult[] = [];
  for await (const page of readPages(transport, query, signal)) pages.push(page);
  const kvs = pages.flatMap((page) => page.kvs);
  return { revision: pages[0]?.revision ?? 0, kvs, count: kvs.length, more: false };
}
