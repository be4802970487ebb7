import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type EtcdServers, startEtcd } from '../../test/support/etcd.ts';
import { until } from '../../test/support/until.ts';
import { createEtcd } from './client.ts';
import { createElection } from './election.ts';
import type { Election, Etcd, Leadership } from './types.ts';

const TTL_MS = 30_000;

let servers: EtcdServers;
let etcd: Etcd;

before(async () => {
  servers = await startEtcd();
  etcd = createEtcd({ endpoints: servers.endpoints });
});
after(async () => {
  await etcd.close();
  await servers[Symbol.asyncDispose]();
});

const untilLost = ({ lost }: Leadership): Promise<void> =>
  new Promise((resolve) => {
    if (lost.aborted) resolve();
    else lost.addEventListener('abort', () => resolve(), { once: true });
  });

interface Candidate {
  readonly name: string;
  readonly election: Election;
  readonly terms: number[];
}

/** A candidate that leads until it loses the office, and checks that it is alone. */
function stand(key: string, name: string, active: Set<string>): Candidate {
  const terms: number[] = [];
  const election = createElection({
    etcd,
    key,
    candidate: name,
    ttlMs: TTL_MS,
    async lead(leadership) {
      active.add(name);
      assert.equal(active.size, 1, [...active].join());
      terms.push(leadership.term);
      await untilLost(leadership);
      active.delete(name);
    },
  });
  return { name, election, terms };
}

test('of three candidates one leads, and the next takes over at once when it leaves', async () => {
  const active = new Set<string>();
  let candidates = ['a', 'b', 'c'].map((name) => stand('/election/three', name, active));
  const terms: number[] = [];
  while (candidates.length > 0) {
    const leader = await until('one leads', () => candidates.find(({ election }) => election.isLeader));
    const others = candidates.filter((candidate) => candidate !== leader);
    await until('all know it', () => candidates.every(({ election }) => election.leader()?.candidate === leader.name));
    terms.push(leader.terms.at(-1) ?? 0);
    const left = performance.now();
    await leader.election.close();
    if (others.length > 0) await until('the next', () => others.some(({ election }) => election.isLeader));
    assert.ok(performance.now() - left < TTL_MS / 2, 'no lease had to run out');
    candidates = others;
  }
  assert.equal(terms.length, 3);
  assert.deepEqual(
    terms,
    terms.toSorted((a, b) => a - b),
  );
  assert.equal((await etcd.range({ prefix: '/election/three' })).count, 0);
});

test('the fence holds while the term lasts, and not after', async () => {
  const offices: Leadership[] = [];
  const election = createElection({
    etcd,
    key: '/election/fence',
    candidate: 'a',
    async lead(leadership) {
      offices.push(leadership);
      await untilLost(leadership);
    },
  });
  const [office] = await until('a term', () => offices.length > 0 && offices);
  assert.ok(office);
  const write = (value: string) => etcd.txn({ compare: [office.fence], success: [{ put: { key: '/election/written', value } }] });
  assert.equal((await write('one')).succeeded, true);
  // An operator removes the leader: it learns of it by its watch, and campaigns anew.
  await etcd.delete({ key: '/election/fence' });
  await until('the next term', () => offices.length === 2);
  assert.equal(office.lost.aborted, true);
  assert.ok((offices[1]?.term ?? 0) > office.term);
  assert.equal((await write('two')).succeeded, false);
  await election.close();
});

test('work that ends or fails gives the office up and is taken up again', async () => {
  const errors: unknown[] = [];
  const leaders: (string | undefined)[] = [];
  let terms = 0;
  const election = createElection({
    etcd,
    key: '/election/ends',
    candidate: 'a',
    async lead() {
      terms += 1;
      if (terms === 1) throw new Error('no luck');
    },
    onError: (error) => errors.push(error),
    onLeader: (leader) => leaders.push(leader?.candidate),
  });
  await until('three terms', () => terms >= 3);
  assert.deepEqual(errors.map(String), ['Error: no luck']);
  assert.deepEqual(leaders.slice(0, 3), ['a', undefined, 'a']);
  await election.close();
  assert.equal(election.isLeader, false);
});

test('the next term waits for the work of the last', async () => {
  const finish = Promise.withResolvers<void>();
  let terms = 0;
  const election = createElection({
    etcd,
    key: '/election/slow',
    candidate: 'a',
    async lead() {
      terms += 1;
      if (terms === 1) await finish.promise;
    },
  });
  const other = stand('/election/slow', 'b', new Set());
  await until('one leads', () => election.isLeader || other.election.isLeader);
  if (!election.isLeader) await other.election.close();
  await until('a leads', () => election.isLeader);
  await etcd.delete({ key: '/election/slow' });
  await until('it is deposed', () => !election.isLeader);
  assert.equal(terms, 1);
  finish.resolve();
  await election.close();
  await other.election.close();
});
