import { SekishoError } from '../lib/errors.ts';
import type { Positions } from './positions.ts';
import { EVENTS_TABLE } from './system-tables.ts';

/** Runs a statement on a connection for replication, in the simple protocol; values are texts. */
export type AskPostgres = (text: string) => Promise<readonly Readonly<Record<string, string | null>>[]>;

export interface SlotNames {
  readonly slot: string;
  readonly publication: string;
}

const PUBLISHED = "publish = 'insert, delete, truncate'";
const FAILOVER_SINCE = 170_000;

/** Rejects with SYNC_SOURCE when the server decodes nothing, and makes the publication of the event log unless it is there. */
export async function preparePublication(ask: AskPostgres, publication: string): Promise<void> {
  const level = await askOne(ask, 'SHOW wal_level');
  if (level !== 'logical')
    throw wanted(`wal_level is ${level}; set wal_level = logical in postgresql.conf (or ALTER SYSTEM) and restart the server`);
  const name = quoteText(publication);
  const tables = await ask(`SELECT tablename FROM pg_publication_tables WHERE pubname = ${name} AND tablename = '${EVENTS_TABLE}'`);
  const id = quoteId(publication);
  const known = await ask(`SELECT pubinsert AND pubdelete AND pubtruncate AS is_whole FROM pg_publication WHERE pubname = ${name}`);
  if (known.length === 0) await ask(`CREATE PUBLICATION ${id} FOR TABLE ${EVENTS_TABLE} WITH (${PUBLISHED})`);
  else if (tables.length === 0) await ask(`ALTER PUBLICATION ${id} ADD TABLE ${EVENTS_TABLE}`);
  if (known[0]?.['is_whole'] === 'f') await ask(`ALTER PUBLICATION ${id} SET (${PUBLISHED})`);
}

/**
 * Makes the slot unless it is there. Gives why changes may have been missed, if they may: the slot was lost, or this is not the server, or not the history
 * of it, that we followed before.
 */
export async function prepareSlot(ask: AskPostgres, { slot }: SlotNames, positions: Positions): Promise<string | undefined> {
  const [system] = await ask('IDENTIFY_SYSTEM');
  const history = `${system?.['systemid'] ?? ''}/${system?.['timeline'] ?? ''}`;
  const followed = await positions.read();
  const state = await readSlot(ask, slot, system?.['dbname'] ?? '');
  let gap: string | undefined;
  if (state === 'invalid') {
    await ask(`DROP_REPLICATION_SLOT ${quoteId(slot)} WAIT`);
    gap = `the replication slot ${slot} was invalidated: it was further behind than max_slot_wal_keep_size allows`;
  } else if (state === 'missing' && followed !== undefined) {
    gap = `the replication slot ${slot} is gone: somebody dropped it, or another server took over that has it not`;
  } else if (followed !== undefined && followed !== history) {
    gap = 'another server, or the same one restored, took over, which may lack the last changes of the former';
  }
  if (state !== 'present') await ask(`CREATE_REPLICATION_SLOT ${quoteId(slot)} LOGICAL pgoutput${await slotOptions(ask)}`);
  if (followed !== history) await positions.write(history);
  return gap;
}

async function readSlot(ask: AskPostgres, slot: string, database: string): Promise<'present' | 'missing' | 'invalid'> {
  const text = `SELECT plugin, database, wal_status, active_pid::text AS pid FROM pg_replication_slots WHERE slot_name = ${quoteText(slot)}`;
  const [found] = await ask(text);
  if (found === undefined) return 'missing';
  if (found['plugin'] !== 'pgoutput' || found['database'] !== database)
    throw wanted(
      `the replication slot ${slot} belongs to ${found['plugin'] ?? 'no plug-in'} of database ${found['database'] ?? 'none'}; choose another sync_source.slot`,
    );
  if (found['wal_status'] === 'lost') return 'invalid';
  if (found['pid'] !== null && found['pid'] !== undefined)
    throw wanted(`the replication slot ${slot} is in use by process ${found['pid']} of the server; it is free once that one ended`);
  return 'present';
}

/** From version 17 on standbys may keep the slot too, so that it is there after a failover. */
async function slotOptions(ask: AskPostgres): Promise<string> {
  const version = Number(await askOne(ask, 'SHOW server_version_num'));
  return version >= FAILOVER_SINCE ? ' (SNAPSHOT nothing, FAILOVER true)' : ' NOEXPORT_SNAPSHOT';
}

async function askOne(ask: AskPostgres, text: string): Promise<string> {
  const [row] = await ask(text);
  return String(Object.values(row ?? {})[0]);
}

/** What START_REPLICATION is sent as. */
export function startReplication({ slot, publication }: SlotNames): string {
  return `START_REPLICATION SLOT ${quoteId(slot)} LOGICAL 0/0 (proto_version '1', publication_names ${quoteText(quoteId(publication))})`;
}

function wanted(detail: string): SekishoError {
  return new SekishoError('SYNC_SOURCE', `sync_source postgres_replication: ${detail}`);
}

function quoteId(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
