import { randomInt, randomUUID } from 'node:crypto';
import ZongJi, { type AnyBinlogEvent, type BinlogEventByName } from '@vlasky/zongji';
import { SekishoError } from '../lib/errors.ts';
import type { ChangeListener, ChangeSource, ChangeStream, Position, ToldRow } from './change-source.ts';
import { parseMysqlConnection } from './connection-string.ts';
import { type BinlogPlace, checkBinlog, isGone, parsePlace, type StoredPlace } from './mysql-binlog.ts';
import { createPositions, type Positions } from './positions.ts';
import { EVENTS_TABLE, POSITIONS_TABLE } from './system-tables.ts';
import type { Database } from './types.ts';

export interface MysqlChangesOptions {
  /** As of the database that is open. */
  readonly connection: string;
  readonly database: Database;
  /** 0: one at random. */
  readonly serverId: number;
}

const CONNECT_TIMEOUT_MS = 10_000;
const SAVE_MS = 1000;
const CATCH_UP_MS = 30_000;
/** Beyond the ids that people give to their servers. */
const MIN_SERVER_ID = 1_000_000_000;
const MAX_SERVER_ID = 4_294_967_295;

/**
 * The binary log of MySQL or MariaDB as a source. Its place is stored in the database, at ends of transactions only: as a GTID set where the server counts
 * those, which another server of the same replication understands, and else as file and position.
 */
export function createMysqlChanges(options: MysqlChangesOptions): ChangeSource {
  const { database } = options;
  const positions = createPositions(database, 'binlog');
  const check = () => checkBinlog(database);
  return {
    name: 'mysql_binlog',
    async check() {
      await check();
    },
    async open(listener, signal) {
      const server = await check();
      signal.throwIfAborted();
      const stored = parsePlace(await positions.read());
      const place = stored.place;
      let { gap } = stored;
      const isElsewhere = place !== undefined && place.gtids === undefined && place.server !== server.id;
      if (isElsewhere)
        gap = 'another server took over, and places in its binary log are others (GTIDs would be the same: set gtid_mode = ON)';
      const from = isElsewhere || gap !== undefined ? undefined : place;
      const serverId = options.serverId > 0 ? options.serverId : randomInt(MIN_SERVER_ID, MAX_SERVER_ID);
      const address = parseMysqlConnection(options.connection);
      const reader = new ZongJi({ connectTimeout: CONNECT_TIMEOUT_MS, enableKeepAlive: true, ...address });
      const { database: name = '' } = address;
      return await stream(reader, { listener, gap, positions, server: server.id, hasGtids: server.hasGtids, from, serverId, name });
    },
  };
}

interface StreamParts {
  readonly listener: ChangeListener;
  readonly gap: string | undefined;
  readonly positions: Positions;
  readonly server: string;
  readonly hasGtids: boolean;
  readonly from: BinlogPlace | undefined;
  readonly serverId: number;
  /** Of the database. */
  readonly name: string;
}

async function stream(reader: ZongJi, parts: StreamParts): Promise<ChangeStream> {
  const { listener, positions, server, hasGtids, from } = parts;
  const ended = Promise.withResolvers<unknown>();
  const started = Promise.withResolvers<void>();
  let isEnded = false;
  const marks = new Map<string, () => void>();
  const place = (): string => {
    const { filename = '', position = 4 } = reader.get(['filename', 'position']) as { filename?: string; position?: number };
    const gtids = hasGtids ? reader.gtidSet : undefined;
    return JSON.stringify({ place: { server, file: filename, position, ...(gtids !== undefined && { gtids }) } } satisfies StoredPlace);
  };
  const end = (reason: unknown): void => {
    isEnded = true;
    started.reject(toSourceError(reason));
    ended.resolve(reason);
  };
  started.promise.catch(() => undefined);
  reader.on('ready', () => started.resolve());
  reader.on('stopped', () => end(new Error('the stream was stopped')));
  const fail = async (reason: Error): Promise<void> => {
    if (!isEnded && from !== undefined && isGone(reason)) {
      // The next stream begins at the end of the log. If this is not stored, it fails as this one did.
      const gap = `the binary log is not there any more where it was left: ${reason.message}`;
      await positions.write(JSON.stringify({ gap } satisfies StoredPlace)).catch(() => undefined);
    }
    end(reason);
  };
  reader.on('error', (error) => void fail(error));
  reader.on(
    'binlog',
    createReceiver(listener, place, (mark) => {
      marks.get(mark)?.();
      marks.delete(mark);
    }),
  );
  reader.start({
    serverId: parts.serverId,
    includeEvents: ['tablemap', 'writerows', 'xid', 'query'],
    includeSchema: { [parts.name]: [EVENTS_TABLE, POSITIONS_TABLE] },
    ...startOf(from),
  });
  try {
    await started.promise;
  } catch (error) {
    reader.stop();
    throw error;
  }
  const keeper = keepPlace(positions, place());
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    const wasRunning = !isEnded;
    end(undefined);
    await keeper.close(wasRunning);
    await new Promise<void>((resolve) => {
      reader.once('stopped', () => resolve());
      reader.stop();
    });
  };
  return {
    gap: parts.gap,
    ended: ended.promise,
    async catchUp() {
      const mark = randomUUID();
      const arrived = new Promise<'arrived'>((resolve) => marks.set(mark, () => resolve('arrived')));
      const timeout = AbortSignal.timeout(CATCH_UP_MS);
      const late = new Promise<'late'>((resolve) => timeout.addEventListener('abort', () => resolve('late')));
      await keeper.save(mark);
      const outcome = await Promise.race([arrived, late, ended.promise.then(() => 'ended' as const)]);
      marks.delete(mark);
      if (outcome === 'ended') throw toSourceError(await ended.promise);
      if (outcome === 'late')
        throw new SekishoError('SYNC_SOURCE', `the binary log gave nothing of what was committed ${CATCH_UP_MS / 1000} s ago`);
    },
    acknowledge: (position, isOurs) => keeper.acknowledge(position, isOurs),
    close: () => (closing ??= close()),
  };
}

/** Stores how far a stream was acknowledged: once a second when rows of ours were, and else only with the marks, so that it does not feed itself. */
function keepPlace(positions: Positions, from: Position) {
  let saved: Position | undefined;
  let acknowledged = from;
  let hasOurs = false;
  let saving: Promise<void> = Promise.resolve();
  const save = async (mark = ''): Promise<void> => {
    saved = acknowledged;
    hasOurs = false;
    await positions.write(saved, mark);
  };
  const timer = setInterval(() => {
    // What fails is tried again with the next place.
    if (hasOurs && acknowledged !== saved) saving = save().catch(() => undefined);
  }, SAVE_MS);
  return {
    save,
    acknowledge(position: Position, isOurs: boolean): void {
      acknowledged = position;
      hasOurs ||= isOurs;
    },
    async close(isWhole: boolean): Promise<void> {
      clearInterval(timer);
      await saving;
      if (isWhole && acknowledged !== saved) await save().catch(() => undefined);
    },
  };
}

/** A stored GTID set, a stored place in a file, or the end of the log. */
function startOf(from: BinlogPlace | undefined): { gtidSet: string } | { filename: string; position: number } | { startAtEnd: true } {
  if (from === undefined) return { startAtEnd: true };
  return from.gtids === undefined ? { filename: from.file, position: from.position } : { gtidSet: from.gtids };
}

/** Collects the rows of a transaction, and tells of them at its end. */
function createReceiver(listener: ChangeListener, place: () => string, onMark: (mark: string) => void): (event: AnyBinlogEvent) => void {
  let rows: ToldRow[] = [];
  let mark: string | undefined;
  const commit = (): void => {
    const told = rows;
    const found = mark;
    rows = [];
    mark = undefined;
    if (told.length > 0) listener.onCommit(told, place());
    else listener.onPosition(place());
    if (found !== undefined) onMark(found);
  };
  return (event) => {
    switch (event.getEventName()) {
      case 'writerows': {
        const { tableMap, tableId, rows: written } = event as BinlogEventByName<'writerows'>;
        const table = tableMap[tableId]?.tableName;
        for (const row of written) {
          if (table === EVENTS_TABLE) rows.push({ id: Number(row['id']), bytes: Buffer.byteLength(String(row['body'])) });
          else if (table === POSITIONS_TABLE && row['mark'] !== '') mark = String(row['mark']);
        }
        return;
      }
      case 'xid':
        return commit();
      case 'query':
        // A table without transactions.
        if (rows.length > 0 && /^commit$/i.test((event as BinlogEventByName<'query'>).query.trim())) commit();
        return;
      default:
    }
  };
}

function toSourceError(error: unknown): SekishoError {
  if (error instanceof SekishoError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const isDenied = code === 'ER_SPECIFIC_ACCESS_DENIED_ERROR' || code === 'ER_ACCESS_DENIED_ERROR';
  const advice = isDenied ? '; the user of database.connection needs REPLICATION SLAVE and REPLICATION CLIENT (BINLOG MONITOR) on *.*' : '';
  return new SekishoError('SYNC_SOURCE', `sync_source mysql_binlog: ${message}${advice}`, { cause: error });
}
