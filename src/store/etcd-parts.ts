import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { Etcd } from '../etcd/types.ts';
import { SekishoError } from '../lib/errors.ts';
import type { EtcdLayout } from './etcd-layout.ts';
import type { HistoryChange } from './types.ts';

/** What a change holds that is too large for one transaction. */
export interface PartsBody {
  readonly changes: readonly HistoryChange[];
  /** Keys of entities and what is written to them; null deletes. */
  readonly values: readonly (readonly [key: string, value: string | null])[];
}

const PART_BYTES = 512 * 1024;
const MAX_PARTS = 256;
const MAX_BODY_BYTES = 1024 * 1024 * 1024;

const compress = promisify(gzip);
const expand = promisify(gunzip);

interface Place {
  readonly etcd: Etcd;
  readonly layout: EtcdLayout;
  readonly revision: number;
  readonly change: string;
}

/** Writes the body beside the store, where nobody reads it until a transaction refers to it. Gives the number of parts. */
export async function writeParts({ etcd, layout, revision, change }: Place, body: PartsBody): Promise<number> {
  const bytes = await compress(JSON.stringify(body));
  const count = Math.ceil(bytes.length / PART_BYTES);
  if (count > MAX_PARTS)
    throw new SekishoError(
      'STORE_TOO_LARGE',
      `${body.values.length} entities in one change are too large for a store on etcd: ${bytes.length} bytes compressed, ${MAX_PARTS * PART_BYTES} are allowed; make several changes of it`,
    );
  for (let i = 0; i < count; i += 1) await etcd.put(layout.part(revision, change, i), bytes.subarray(i * PART_BYTES, (i + 1) * PART_BYTES));
  return count;
}

/** Reads the body of a change. STORE_CORRUPT when parts are missing. */
export async function readParts({ etcd, layout, revision, change }: Place, count: number): Promise<PartsBody> {
  const parts: Buffer[] = [];
  for await (const page of etcd.pages({ prefix: layout.parts(revision, change), limit: 2 })) parts.push(...page.kvs.map((kv) => kv.value));
  if (parts.length !== count)
    throw new SekishoError('STORE_CORRUPT', `the change of revision ${revision} has ${parts.length} of ${count} parts in etcd`);
  const text = (await expand(Buffer.concat(parts), { maxOutputLength: MAX_BODY_BYTES })).toString();
  return JSON.parse(text) as PartsBody;
}
