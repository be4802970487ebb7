import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import type { Entry } from './etcd-mirror.ts';
import type { EtcdPosition } from './etcd-state.ts';

/** The last good state of a store in etcd, as it lies on the disk. Secrets are encrypted as in etcd. */
export interface Snapshot {
  readonly position: EtcdPosition;
  readonly entries: readonly Entry[];
}

export interface SnapshotFileOptions {
  readonly dir: string;
  /** A file of another prefix or encryption key is ignored. */
  readonly prefix: string;
  readonly key: string;
  /** What is to be written. */
  readonly current: () => { readonly position: EtcdPosition; readonly entries: Iterable<Entry> };
  /** Shortest time between two writes; 1000 by default. Milliseconds. */
  readonly intervalMs?: number;
}

export interface SnapshotFile {
  /** The state that was written last; undefined when there is none, or none that can be trusted. */
  read(): Snapshot | undefined;
  /** There is something newer: it is written soon. */
  touch(): void;
  /** Writes what is not written yet. */
  close(): Promise<void>;
}

interface Head {
  readonly format: number;
  readonly prefix: string;
  readonly position: EtcdPosition;
  readonly entries: number;
}

const FORMAT = 1;
const NAME = 'last-good.snapshot';
const INTERVAL_MS = 1000;
/** Entries that are written at once, before others have their turn. */
const CHUNK = 500;

/** The file in `dir`, which is made when it is missing. One line for the head, one for each entry, and the SHA-256 of all of them. */
export function createSnapshotFile(options: SnapshotFileOptions): SnapshotFile {
  const path = join(options.dir, NAME);
  mkdirSync(options.dir, { recursive: true, mode: 0o700 });
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  let isDirty = false;
  const write = (): void => {
    timer = undefined;
    if (!isDirty) return;
    isDirty = false;
    writing = writing.then(() => writeTelling(path, options));
  };
  return {
    read: () => readTelling(path, options),
    touch() {
      isDirty = true;
      timer ??= setTimeout(write, options.intervalMs ?? INTERVAL_MS).unref();
    },
    async close() {
      clearTimeout(timer);
      write();
      await writing;
    },
  };
}

async function writeTelling(path: string, options: SnapshotFileOptions): Promise<void> {
  const { position, entries } = options.current();
  const { revision } = position;
  try {
    const { pending: _, ...settled } = position;
    await writeWhole(path, { format: FORMAT, prefix: options.prefix, position: settled, entries: 0 }, [...entries]);
    observe({ type: 'store.snapshot', outcome: 'written', path, revision });
  } catch (error) {
    observe({ type: 'store.snapshot', outcome: 'failed', path, revision, reason: toReason(error) });
  }
}

/** Beside the old one first, so that there is always a whole one. */
async function writeWhole(path: string, head: Head, entries: readonly Entry[]): Promise<void> {
  const draft = `${path}.new`;
  const hash = createHash('sha256');
  const file = await open(draft, 'w', 0o600);
  try {
    const write = async (text: string): Promise<void> => {
      hash.update(text);
      await file.write(text);
    };
    await write(`${JSON.stringify({ ...head, entries: entries.length })}\n`);
    for (let i = 0; i < entries.length; i += CHUNK) {
      const lines = entries.slice(i, i + CHUNK).map(({ key, value, modRevision }) => JSON.stringify([key, modRevision, value]));
      await write(`${lines.join('\n')}\n`);
      await turn();
    }
    await file.write(`${hash.digest('hex')}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  const folder = await open(dirname(path));
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function readTelling(path: string, options: SnapshotFileOptions): Snapshot | undefined {
  try {
    const snapshot = parse(readFileSync(path), options);
    observe({ type: 'store.snapshot', outcome: 'loaded', path, revision: snapshot.position.revision });
    return snapshot;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    observe({ type: 'store.snapshot', outcome: 'ignored', path, reason: toReason(error) });
    return undefined;
  }
}

function parse(bytes: Buffer, { prefix, key }: SnapshotFileOptions): Snapshot {
  const end = bytes.lastIndexOf('\n', -2) + 1;
  const sum = createHash('sha256').update(bytes.subarray(0, end)).digest('hex');
  if (end === 0 || bytes.toString('latin1', end) !== `${sum}\n`) throw new Error('it is damaged: its checksum is wrong');
  const [first = '', ...lines] = bytes.toString('utf8', 0, end - 1).split('\n');
  const head = JSON.parse(first) as Head;
  if (head.format !== FORMAT) throw new Error(`it has format ${head.format}, this version knows only ${FORMAT}`);
  if (head.prefix !== prefix) throw new Error(`it is of the prefix ${head.prefix}`);
  if (head.position.key !== key && head.position.key !== '') throw new Error('it was written with another encryption key');
  const entries = lines.map((line): Entry => {
    const [entryKey, modRevision, value] = JSON.parse(line) as [string, number, string];
    return { key: entryKey, value, modRevision };
  });
  return { position: head.position, entries };
}

function toReason(error: unknown): string {
  return error instanceof Error ? error.message : toSekishoError(error).message;
}
