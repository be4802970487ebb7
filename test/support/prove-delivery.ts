import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Etcd } from '../../src/etcd/types.ts';
import { openEventLog } from '../../src/sql/event-log.ts';
import type { Database } from '../../src/sql/types.ts';
import { type EtcdServers, startEtcd } from './etcd.ts';
import { changesOf, expectedKeys, openEtcd, presentKeys, SYNC_SCHEMAS } from './sync.ts';
import { changeAtRandom, type Fleet, type FleetOptions, seenFaults, startFleet, startWitness } from './sync-fleet.ts';
import { PATIENCE_MS, until } from './until.ts';

/** Changes of each of the eight writers; 10000 for the long form. */
const CHANGES = Number(process.env['SEKISHO_SYNC_CHANGES'] ?? 150);
const WRITERS = 8;
const TTL_MS = 2000;

/** What is at hand while changes are made. */
export interface Scene {
  readonly database: Database;
  readonly servers: EtcdServers;
  readonly etcd: Etcd;
  readonly fleet: Fleet;
}

/** Something that goes wrong, again and again until the writers are done. */
export type Trouble = (scene: Scene, isOver: () => boolean) => Promise<void>;

export interface ProofOptions extends Pick<FleetOptions, 'nodes' | 'source'> {
  readonly members: 1 | 3;
}

/**
 * Writes while there is trouble; then all that was committed must be in etcd, no version may have gone back, and no leader that was deposed may have written.
 * Gives the figures in words.
 */
export async function proveDelivery(
  open: () => Promise<{ readonly database: Database; readonly kind: Database['kind']; readonly connection: string }>,
  { members, ...fleetOptions }: ProofOptions,
  trouble: Trouble,
): Promise<string> {
  await using servers = await startEtcd({ members });
  const etcd = openEtcd(servers.endpoints);
  const { database, kind, connection } = await open();
  const witness = startWitness(etcd);
  try {
    await database.prepare(SYNC_SCHEMAS, { autoMigrate: true, cascadeDelete: false });
    await using fleet = startFleet({ kind, connection, endpoints: servers.endpoints, ttlMs: TTL_MS, ...fleetOptions });
    await fleet.ready();
    await fleet.leader();
    const startedAt = performance.now();
    let isOver = false;
    const writing = changeAtRandom(changesOf(database), WRITERS, CHANGES).finally(() => (isOver = true));
    await trouble({ database, servers, etcd, fleet }, () => isOver);
    const done = await writing;
    assert.ok(done > (WRITERS * CHANGES) / 2, `${done} changes were made`);
    const log = await openEventLog(database);
    await until('the log is delivered', async () => (await log.backlog()).count === 0, PATIENCE_MS + CHANGES * 10);
    const tookMs = performance.now() - startedAt;
    const present = await presentKeys(etcd);
    assert.deepEqual(present, await expectedKeys(database));
    const { revision } = await etcd.range({ key: '/' });
    assert.deepEqual(await seenFaults(etcd, witness), []);
    return `${done} changes in ${Math.round(tookMs / 1000)} s, ${fleet.told('leads ')} terms, ${present.size} keys at revision ${revision}`;
  } finally {
    await witness.close();
    await etcd.close();
    await database.close();
  }
}

/** Kills the leader, whichever node that is, every second. */
export const killLeaders: Trouble = async ({ fleet }, isOver) => {
  for (let kills = 0; !isOver() || kills < 2; kills += 1) {
    fleet.replace(await fleet.leader());
    await sleep(1000);
  }
};
