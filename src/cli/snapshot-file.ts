import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import type { CommandContext } from './command.ts';
import { Failure, usageFailure } from './failure.ts';

const DIGEST_BYTES = 32;
/** What is kept back holds secrets, even if encrypted. */
const MODE = 0o600;

/** Saves all entities and documents; gives the size of the file. */
export async function saveSnapshot(context: CommandContext, file: string, timeoutMs: number): Promise<number> {
  return await save(context, file, { path: '/api/v1/cluster/snapshot', timeoutMs, isWhole: (tail) => tail.at(-1) === 0x0a });
}

/** Saves the database of an etcd member, whose last bytes are the hash of all before them. */
export async function saveDatabase(context: CommandContext, file: string, timeoutMs: number): Promise<number> {
  const hash = createHash('sha256');
  let held = Buffer.alloc(0);
  return await save(context, file, {
    path: '/api/v1/cluster/etcd-snapshot',
    timeoutMs,
    onChunk(chunk) {
      const bytes = Buffer.concat([held, chunk]);
      const split = Math.max(0, bytes.length - DIGEST_BYTES);
      hash.update(bytes.subarray(0, split));
      held = bytes.subarray(split);
    },
    isWhole: () => held.length === DIGEST_BYTES && hash.digest().equals(held),
  });
}

interface Saving {
  readonly path: string;
  readonly timeoutMs: number;
  readonly onChunk?: (chunk: Buffer) => void;
  /** Gets the last chunk. */
  readonly isWhole: (tail: Buffer) => boolean;
}

/** Written beside and renamed: a file of that name is whole. */
async function save({ io, call }: CommandContext, file: string, { path, timeoutMs, onChunk, isWhole }: Saving): Promise<number> {
  const target = resolve(io.cwd, file);
  const draft = `${target}.part`;
  let written = 0;
  let tail = Buffer.alloc(0);
  const handle = open(draft);
  try {
    await call({
      method: 'GET',
      path,
      timeoutMs,
      async onBody(body) {
        for await (const chunk of body) {
          writeSync(handle, chunk);
          onChunk?.(chunk);
          written += chunk.length;
          tail = chunk as Buffer<ArrayBuffer>;
        }
      },
    });
    if (!isWhole(tail)) throw new Failure(1, 'what came from the server is not whole; try again');
    fsyncSync(handle);
    renameSync(draft, target);
    return written;
  } finally {
    closeSync(handle);
    rmSync(draft, { force: true });
  }
}

function open(path: string): number {
  try {
    return openSync(path, 'w', MODE);
  } catch (error) {
    throw usageFailure(`${path} can not be written: ${(error as Error).message}`);
  }
}

/** The content of a snapshot file. Throws a usage `Failure` when it can't be read or is none. */
export function readSnapshot({ io }: CommandContext, file: string): unknown {
  const path = resolve(io.cwd, file);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw usageFailure(`${path} can not be read: ${(error as Error).message}`);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw usageFailure(`${path} is no file of \`sekisho cluster snapshot\`; one of --etcd is restored with etcdutl (docs/how-to/fleet.md)`);
  }
}
