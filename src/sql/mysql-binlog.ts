import { SekishoError } from '../lib/errors.ts';
import type { Database } from './types.ts';

/** A place between two transactions of a binary log. */
export interface BinlogPlace {
  /** The server that file and position are of. */
  readonly server: string;
  readonly file: string;
  readonly position: number;
  /** What was seen of all servers of the replication. */
  readonly gtids?: string;
}

/** What is stored of a stream: where it was left, or why that is of no use any more. */
export type StoredPlace = { readonly place: BinlogPlace; readonly gap?: undefined } | { readonly gap: string; readonly place?: undefined };

/** A stored place; text that is none is as if there were none. */
export function parsePlace(text: string | undefined): StoredPlace | { readonly place: undefined; readonly gap: undefined } {
  if (text === undefined) return { place: undefined, gap: undefined };
  try {
    return JSON.parse(text) as StoredPlace;
  } catch {
    return { gap: 'the place where the binary log was left could not be read' };
  }
}

/** ER_MASTER_FATAL_ERROR_READING_BINLOG, ER_GTID_POSITION_NOT_FOUND_IN_BINLOG and its second form. */
const GONE = new Set([1236, 1945, 1955]);

/** True when the server refuses a place because its binary log does not reach back to it, or not up to it. */
export function isGone(error: Error): boolean {
  // The same code tells of another reader with our server id, which takes the stream over.
  return 'errno' in error && GONE.has(Number(error.errno)) && !/same server_(?:uu)?id/i.test(error.message);
}

interface Wanted {
  readonly variable: string;
  readonly isFit: (value: string) => boolean;
  readonly advice: string;
}

const WANTED: readonly Wanted[] = [
  { variable: 'log_bin', isFit: isOn, advice: 'set log_bin in the configuration of the server and restart it' },
  { variable: 'binlog_format', isFit: (value) => value === 'ROW', advice: 'set binlog_format = ROW' },
  { variable: 'binlog_row_image', isFit: (value) => value === 'FULL', advice: 'set binlog_row_image = FULL' },
  {
    variable: 'binlog_transaction_compression',
    isFit: (value) => !isOn(value),
    advice: 'set binlog_transaction_compression = OFF: compressed transactions cannot be read',
  },
];

/** The server whose binary log can be read. SYNC_SOURCE, with all that has to be set, when it can't. */
export async function checkBinlog(database: Database): Promise<{ readonly id: string; readonly hasGtids: boolean }> {
  const names = [...WANTED.map(({ variable }) => variable), 'gtid_mode', 'server_uuid', 'server_id', 'version'];
  const rows = await database.reader.query(`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${names.map(() => '?').join(',')})`, names);
  const values = new Map(rows.map((row) => [String(row['Variable_name']).toLowerCase(), String(row['Value'])]));
  const problems = WANTED.flatMap(({ variable, isFit, advice }) => {
    const value = values.get(variable);
    return value === undefined || isFit(value) ? [] : [`${variable} is ${value}; ${advice}`];
  });
  if (problems.length > 0) throw new SekishoError('SYNC_SOURCE', `sync_source mysql_binlog: ${problems.join('. ')}`);
  const isMariadb = /mariadb/i.test(values.get('version') ?? '');
  return { id: values.get('server_uuid') ?? values.get('server_id') ?? '', hasGtids: isMariadb || values.get('gtid_mode') === 'ON' };
}

function isOn(value: string): boolean {
  return value === 'ON' || value === '1';
}
