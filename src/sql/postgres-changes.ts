import pg from 'pg';
import { SekishoError } from '../lib/errors.ts';
import type { ChangeListener, ChangeSource, ChangeStream, ToldRow } from './change-source.ts';
import { parsePostgresConnection } from './connection-string.ts';
import { createPgoutputDecoder } from './pgoutput.ts';
import { createPositions } from './positions.ts';
import { type AskPostgres, preparePublication, prepareSlot, type SlotNames, startReplication } from './postgres-slot.ts';
import { EVENTS_TABLE } from './system-tables.ts';
import type { Database } from './types.ts';

export interface PostgresChangesOptions extends SlotNames {
  /** As of the database that is open. */
  readonly connection: string;
  readonly database: Database;
}

/** What of the driver's connection is used once it streams. */
interface CopyConnection {
  on(event: 'copyData', listener: (message: { readonly chunk: Buffer }) => void): void;
  on(event: 'replicationStart', listener: () => void): void;
  sendCopyFromChunk(chunk: Buffer): void;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** The server ends a connection that is silent for `wal_sender_timeout`, a minute by default. */
const STATUS_MS = 10_000;
const ACKNOWLEDGE_MS = 1000;
const CATCH_UP_MS = 30_000;
const ASK_MS = 50;
const XLOG_DATA = 0x77;
const KEEPALIVE = 0x6b;
/** Of XLogData, before the message of the plug-in. */
const DATA_HEAD_BYTES = 25;
/** Microseconds from 1970 to 2000, from which PostgreSQL counts. */
const EPOCH_US = 946_684_800_000_000n;

/** Logical replication of PostgreSQL (chapters 54.4 and 54.5 of its manual) as a source: a slot of pgoutput with a publication of the event log alone. */
export function createPostgresChanges(options: PostgresChangesOptions): ChangeSource {
  const { database } = options;
  const positions = createPositions(database, `slot ${options.slot}`);
  const connect = async () => {
    const client = new pg.Client({
      connectionString: parsePostgresConnection(options.connection),
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
      application_name: 'sekisho sync_source',
      // The driver passes it on; its types do not know it.
      ...({ replication: 'database' } as object),
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
    } catch (error) {
      await client.end().catch(() => undefined);
      throw toSourceError(error);
    }
    return client;
  };
  const asker =
    (client: pg.Client): AskPostgres =>
    async (text) => {
      try {
        return (await client.query<Record<string, string | null>>({ text, types: { getTypeParser: () => String } })).rows;
      } catch (error) {
        throw toSourceError(error);
      }
    };
  return {
    name: 'postgres_replication',
    async check() {
      const client = await connect();
      try {
        await preparePublication(asker(client), options.publication);
      } finally {
        await client.end().catch(() => undefined);
      }
    },
    async open(listener, signal) {
      const client = await connect();
      const giveUp = (): void => {
        client.connection.stream.destroy();
      };
      signal.addEventListener('abort', giveUp);
      try {
        signal.throwIfAborted();
        const ask = asker(client);
        await preparePublication(ask, options.publication);
        const gap = await prepareSlot(ask, options, positions);
        return await stream(client, { listener, gap, database, start: startReplication(options) });
      } catch (error) {
        await client.end().catch(() => undefined);
        throw error;
      } finally {
        signal.removeEventListener('abort', giveUp);
      }
    },
  };
}

interface StreamParts {
  readonly listener: ChangeListener;
  readonly gap: string | undefined;
  readonly database: Database;
  readonly start: string;
}

async function stream(client: pg.Client, { listener, gap, database, start }: StreamParts): Promise<ChangeStream> {
  const copy = client.connection as unknown as CopyConnection;
  const ended = Promise.withResolvers<unknown>();
  let isEnded = false;
  const end = (reason: unknown): void => {
    isEnded = true;
    ended.resolve(reason);
  };
  /** What was given, and what of it need not be given again. */
  let seen = 0n;
  let acknowledged = 0n;
  let sent = -1n;
  let sentAt = 0;
  const sendStatus = (asks: boolean): void => {
    if (isEnded) return;
    sent = acknowledged;
    sentAt = performance.now();
    copy.sendCopyFromChunk(toStatus(seen, acknowledged, asks));
  };
  const receive = createReceiver(listener, {
    onSeen(position) {
      if (position > seen) seen = position;
    },
    onAsked: () => sendStatus(false),
  });
  const started = Promise.withResolvers<void>();
  copy.on('replicationStart', () => started.resolve());
  copy.on('copyData', ({ chunk }) => receive(chunk));
  client.on('end', () => end(new Error('the connection was closed')));
  client.query(start).then(
    () => end(new Error('the server ended the stream')),
    (error: unknown) => {
      started.reject(toSourceError(error));
      end(error);
    },
  );
  await started.promise;
  const timer = setInterval(() => {
    if (sent !== acknowledged || performance.now() - sentAt > STATUS_MS) sendStatus(false);
  }, ACKNOWLEDGE_MS);
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    clearInterval(timer);
    if (sent !== acknowledged) sendStatus(false);
    end(undefined);
    await client.end().catch(() => undefined);
  };
  return {
    gap,
    ended: ended.promise,
    async catchUp() {
      // A message in the log, committed: what was committed before stands before it.
      const [row] = await database.reader.query("SELECT pg_logical_emit_message(true, 'sekisho', '')::text AS position", []);
      const target = parsePosition(String(row?.['position']));
      const startedAt = performance.now();
      const isBehind = (): boolean => seen < target;
      while (isBehind()) {
        if (isEnded) throw new SekishoError('SYNC_SOURCE', 'the stream of replication ended', { cause: await ended.promise });
        if (performance.now() - startedAt > CATCH_UP_MS)
          throw new SekishoError('SYNC_SOURCE', `replication gave nothing of what was committed ${CATCH_UP_MS / 1000} s ago`);
        sendStatus(true);
        await new Promise((resolve) => setTimeout(resolve, ASK_MS));
      }
    },
    acknowledge(position) {
      acknowledged = parsePosition(position);
    },
    close: () => (closing ??= close()),
  };
}

/** Reads messages of the copy mode, and tells the listener of whole transactions. */
function createReceiver(
  listener: ChangeListener,
  { onSeen, onAsked }: { readonly onSeen: (position: bigint) => void; readonly onAsked: () => void },
): (chunk: Buffer) => void {
  const decode = createPgoutputDecoder(EVENTS_TABLE);
  let rows: ToldRow[] | undefined;
  let deleted: number[] = [];
  return (chunk) => {
    if (chunk[0] === KEEPALIVE) {
      const position = chunk.readBigUInt64BE(1);
      // The server has nothing for us before it: so the log of an idle database is not kept for us either.
      if (rows === undefined) {
        onSeen(position);
        listener.onPosition(formatPosition(position));
      }
      if (chunk[17] === 1) onAsked();
      return;
    }
    if (chunk[0] !== XLOG_DATA) return;
    const message = decode(chunk.subarray(DATA_HEAD_BYTES));
    if (message?.kind === 'begin') rows = [];
    else if (message?.kind === 'insert') rows?.push(message);
    else if (message?.kind === 'delete') deleted.push(message.id);
    else if (message?.kind === 'truncate') listener.onTruncate();
    else if (message?.kind === 'commit') {
      const told = rows ?? [];
      const gone = deleted;
      rows = undefined;
      deleted = [];
      onSeen(message.end);
      if (told.length + gone.length > 0) listener.onCommit(told, gone, formatPosition(message.end));
      else listener.onPosition(formatPosition(message.end));
    }
  };
}

/** Standby status update: written, flushed and applied, the time, and whether an answer is wanted. */
function toStatus(seen: bigint, acknowledged: bigint, asks: boolean): Buffer {
  const message = Buffer.alloc(34);
  message[0] = 0x72;
  message.writeBigUInt64BE(seen, 1);
  message.writeBigUInt64BE(acknowledged, 9);
  message.writeBigUInt64BE(acknowledged, 17);
  message.writeBigInt64BE(BigInt(Date.now()) * 1000n - EPOCH_US, 25);
  message[33] = asks ? 1 : 0;
  return message;
}

/** `16/B374D848`. */
function formatPosition(position: bigint): string {
  return `${(position >> 32n).toString(16)}/${(position & 0xffff_ffffn).toString(16)}`.toUpperCase();
}

function parsePosition(text: string): bigint {
  const [high = '0', low = '0'] = text.split('/');
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

function toSourceError(error: unknown): SekishoError {
  if (error instanceof SekishoError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const advice =
    code === '42501' || code === '28000'
      ? '; the user of database.connection needs REPLICATION (ALTER ROLE … REPLICATION) and a line of pg_hba.conf, and owns the event log'
      : code === '53400' || code === '53300'
        ? '; raise max_replication_slots and max_wal_senders'
        : '';
  return new SekishoError('SYNC_SOURCE', `sync_source postgres_replication: ${message}${advice}`, { cause: error });
}
