import { SekishoError, toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import { LEASES_TABLE } from '../sql/system-tables.ts';
import type { Database } from '../sql/types.ts';
import type { Term } from './office.ts';
import { pause } from './pause.ts';

export interface DatabaseLeaseOptions {
  readonly database: Database;
  /** Of the office. */
  readonly name: string;
  readonly candidate: string;
  readonly ttlMs: number;
  /** Runs in each term; `lost` is aborted before the office may be somebody else's. */
  lead(term: Term): Promise<void>;
}

export interface DatabaseLease {
  readonly isLeader: boolean;
  /** As last seen. */
  leader(): string | undefined;
  close(): Promise<void>;
}

/** Milliseconds of Unix time by the clock of the database, which all candidates share. */
const NOW: Readonly<Record<Database['kind'], string>> = {
  sqlite3: "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
  postgresql: 'CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)',
  mysql: 'CAST(unix_timestamp(sysdate(3)) * 1000 AS signed)',
};
/** A holder asks for its lease again after this part of its time, and is none any more after the other. */
const RENEW = 1 / 3;
const GIVE_UP = 2 / 3;

/**
 * An office that is held in the database, for gateways that share one and have no etcd: a row with the holder and the time until which it holds. Works through pools of
 * connections, where locks of a session do not.
 */
export function createDatabaseLease(options: DatabaseLeaseOptions): DatabaseLease {
  const { database, name, candidate, ttlMs, lead } = options;
  const closing = new AbortController();
  let holder: string | undefined;
  let heldUntil = 0;

  /** Takes or keeps the office; gives the number of our term, or 0. */
  const tryClaim = async (): Promise<number> => {
    // Counted from before the statement: the database counts from after it.
    const askedAt = performance.now();
    try {
      const claimed = await claim(options);
      holder = claimed.holder;
      const { term } = claimed;
      if (term === 0) return 0;
      heldUntil = askedAt + ttlMs * GIVE_UP;
      return term;
    } catch (error) {
      // Two that made the row at the same time: it is the other's.
      if (!(error instanceof SekishoError && error.code === 'RESOURCE_CONFLICT'))
        observe({ type: 'error', error: toSekishoError(error), where: `the office ${name} in the database` });
      return 0;
    }
  };
  const serve = async (term: number): Promise<void> => {
    const lost = new AbortController();
    const signal = AbortSignal.any([lost.signal, closing.signal]);
    const keep = async (): Promise<void> => {
      for (let lastTry = performance.now(); !signal.aborted; ) {
        await pause(Math.max(0, Math.min(lastTry + ttlMs * RENEW, heldUntil) - performance.now()), signal);
        if (signal.aborted) return;
        if (performance.now() >= heldUntil) return lost.abort();
        lastTry = performance.now();
        const until = heldUntil;
        const expired = pause(until - lastTry, signal).then(() => 'expired' as const);
        const outcome = await Promise.race([tryClaim(), expired]);
        if (outcome === 'expired' && heldUntil === until) return lost.abort();
        if (outcome === 0 && holder !== candidate) return lost.abort();
      }
    };
    const keeping = keep();
    try {
      await lead({ lost: signal, term });
    } finally {
      lost.abort();
      await keeping;
      heldUntil = 0;
    }
  };
  const campaign = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      const term = await tryClaim();
      if (term > 0) await serve(term);
      await pause(ttlMs * RENEW * (0.75 + Math.random() / 2), closing.signal);
    }
    // The next one need not wait.
    const free = `UPDATE ${LEASES_TABLE} SET until_ms = 0 WHERE name = ? AND holder = ?`;
    if (holder === candidate) await database.reader.query(free, [name, candidate]).catch(() => undefined);
  };
  const running = campaign();
  return {
    get isLeader() {
      return performance.now() < heldUntil;
    },
    leader: () => holder,
    async close() {
      closing.abort();
      await running;
    },
  };
}

/** One try, in one transaction. The term is 0 when somebody else holds the office. */
function claim({ database, name, candidate, ttlMs }: DatabaseLeaseOptions): Promise<{ readonly holder: string; readonly term: number }> {
  const now = NOW[database.kind];
  return database.transaction(
    async (session) => {
      const lock = database.kind === 'sqlite3' ? '' : ' FOR UPDATE';
      const text = `SELECT holder, term, ${now} AS now_ms, until_ms FROM ${LEASES_TABLE} WHERE name = ?${lock}`;
      const [row] = await session.query(text, [name]);
      if (row === undefined) {
        const first = `INSERT INTO ${LEASES_TABLE} (name, holder, term, until_ms) VALUES (?, ?, 1, ${now} + ${ttlMs})`;
        await session.query(first, [name, candidate]);
        return { holder: candidate, term: 1 };
      }
      const holder = String(row['holder']);
      if (holder !== candidate && Number(row['until_ms']) >= Number(row['now_ms'])) return { holder, term: 0 };
      const term = Number(row['term']) + (holder === candidate ? 0 : 1);
      const set = `holder = ?, term = ${term}, until_ms = ${now} + ${ttlMs}`;
      await session.query(`UPDATE ${LEASES_TABLE} SET ${set} WHERE name = ?`, [candidate, name]);
      return { holder: candidate, term };
    },
    { isolation: 'READ COMMITTED' },
  );
}
