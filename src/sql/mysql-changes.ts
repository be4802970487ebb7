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
const TRUNCATES = new RegExp(`^\\s*truncate\\s+(?:table\\s+)?[^;]*\\b${EVENTS_TABLE}\\b`, 'i');
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
  const keeper = keepPlace(positions);
  const fail = async (reason: Error): Promise<void> => {
    if (!isEnded && from !== undefined && isGone(reason)) {
      // The next stream begins at the end of the log. If this is not stored, it fails as this one did.
      const gap = `the binary log is not there any more where it was left: ${reason.message}`;
      await keeper.end(JSON.stringify({ gap } satisfies StoredPlace)).catch(() => undefined);
    }
    end(reason);
  };
  reader.on('error', (error) => void fail(error));
  reader.on(
    'binlog',
    createReceiver(listener, parts.name, place, (mark) => {
      marks.get(mark)?.();
      marks.delete(mark);
    }),
  );
  reader.start({
    serverId: parts.serverId,
    includeEvents: ['tablemap', 'writerows', 'deleterows', 'xid', 'query'],
    includeSchema: { [parts.name]: [EVENTS_TABLE, POSITIONS_TABLE] },
    ...startOf(from),
  });
  try {
    await started.promise;
  } catch (error) {
    await keeper.close(false);
    reader.stop();
    throw error;
  }
  keeper.acknowledge(place(), false);
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
function keepPlace(positions: Positions) {
  let saved: Position | undefined;
  let acknowledged: Position | undefined;
  let hasOurs = false;
  let isOver = false;
  let writing: Promise<void> = Promise.resolve();
  /** One after the other: a later one is not overwritten by an earlier one. */
  const write = (text: string, mark: string): Promise<void> => {
    const written = writing.then(() => positions.write(text, mark));
    writing = written.catch(() => undefined);
    return written;
  };
  const save = async (mark = ''): Promise<void> => {
    if (acknowledged === undefined || isOver) return;
    saved = acknowledged;
    hasOurs = false;
    await write(saved, mark);
  };
  const timer = setInterval(() => {
    // What fails is tried again with the next place.
    if (hasOurs && acknowledged !== saved) save().catch(() => undefined);
  }, SAVE_MS);
  return {
    save,
    acknowledge(position: Position, isOurs: boolean): void {
      acknowledged = position;
      hasOurs ||= isOurs;
    },
    /** Nothing is stored after this text. */
    async end(text: string): Promise<void> {
      isOver = true;
      await write(text, '');
    },
    async close(isWhole: boolean): Promise<void> {
      clearInterval(timer);
      if (isWhole && acknowledged !== saved) await save().catch(() => undefined);
      isOver = true;
      await writing;
    },
  };
}

/** A stored GTID set, a stored place in a file, or the end of the log. */
function startOf(from: BinlogPlace | undefined): { gtidSet: string } | { filename: string; position: number } | { startAtEnd: true } {
  if (from === undefined) return { startAtEnd: true };
  return from.gtids === undefined ? { filename: from.file, position: from.position } : { gtidSet: from.gtids };
}

/** Collects the rows of a transaction, and tells of them at its end. */
function createReceiver(
  listener: ChangeListener,
  name: string,
  place: () => string,
  onMark: (mark: string) => void,
): (event: AnyBinlogEvent) => void {
  let rows: ToldRow[] = [];
  let deleted: number[] = [];
  let mark: string | undefined;
  const commit = (): void => {
    const told = rows;
    const gone = deleted;
    const found = mark;
    rows = [];
    deleted = [];
    mark = undefined;
    if (told.length + gone.length > 0) listener.onCommit(told, gone, place());
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
      case 'deleterows': {
        const { tableMap, tableId, rows: removed } = event as BinlogEventByName<'deleterows'>;
        if (tableMap[tableId]?.tableName === EVENTS_TABLE) deleted.push(...removed.map((row) => Number(row['id'])));
        return;
      }
      case 'xid':
        return commit();
      case 'query': {
        const { query, schema } = event as BinlogEventByName<'query'>;
        // The end of a transaction with a table that knows none.
        if (/^commit$/i.test(query.trim())) commit();
        else if (schema === name && TRUNCATES.test(query)) listener.onTruncate();
        return;
      }
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
