import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { applyChanges, type EntityGraph, emptyGraph } from '../../src/entity/references.ts';
import type { Change } from '../../src/entity/types.ts';
import { startEtcd } from '../support/etcd.ts';
import type { Gateway } from '../support/gateway.ts';
import { createRandom } from '../support/random.ts';
import { convergence, startLoad, startStoreFleet } from '../support/store-fleet.ts';
import { until } from '../support/until.ts';

/** Operations of all clients together; 10000 for the long form. */
const OPERATIONS = Number(process.env['SEKISHO_STORE_OPERATIONS'] ?? 240);
/** While a leader is chosen each of them waits: the long form has more of them, to take five minutes and not ten. */
const CLIENTS = OPERATIONS > 1000 ? 24 : 6;
const NAMES = 8;

/** What a client did and what it was told. */
interface Operation {
  readonly client: number;
  readonly gateway: number;
  readonly kind: 'service' | 'route';
  readonly name: string;
  /** The text that tells this write from all others; undefined deletes. */
  readonly mark: string | undefined;
  readonly from: number;
  to: number;
  /** `done` and `refused` are known, `unknown` may or may not have been made. */
  outcome: 'done' | 'refused' | 'unknown';
}

/** One write as the history has it. */
interface Made {
  readonly revision: number;
  readonly key: string;
  readonly mark: string | undefined;
}

interface Page {
  readonly data: readonly {
    readonly revision: number;
    readonly changes: readonly (Change & { readonly after?: { readonly tags?: readonly string[] } })[];
  }[];
}

test('random changes through three gateways that are killed, on an etcd whose leader is killed: one history that all agree on', async (t) => {
  const random = createRandom();
  t.diagnostic(`seed ${random.seed}`);
  await using servers = await startEtcd({ members: 3 });
  await using fleet = await startStoreFleet(servers, 3);
  const { gateways } = fleet;
  const down = new Set<Gateway>();
  const load = startLoad(gateways, (gateway) => !down.has(gateway));
  const first = (await readHistory(gateways[0])).length;
  const operations: Operation[] = [];
  const over = new AbortController();
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    while (operations.length < OPERATIONS) {
      const gateway = random.below(gateways.length);
      await carryOut(gateways, toOperation(random.below, client, gateway, operations.length), operations);
    }
  });
  const trouble = async (): Promise<void> => {
    for (let i = 0; !over.signal.aborted; i += 1) {
      await sleep(700);
      if (over.signal.aborted) return;
      if (i % 3 === 2) {
        const leader = await servers.leader();
        await leader.kill();
        await leader.start();
        continue;
      }
      const gateway = gateways[random.below(gateways.length)];
      if (gateway === undefined) continue;
      down.add(gateway);
      await gateway.kill();
      await gateway.restart();
      down.delete(gateway);
    }
  };
  const troubled = trouble();
  await Promise.all(clients);
  over.abort();
  await troubled;
  await load.stop();
  const convergedMs = await convergence(gateways);

  const histories = await Promise.all(gateways.map(readHistory));
  assert.deepEqual(histories[1], histories[0]);
  assert.deepEqual(histories[2], histories[0]);
  const records = histories[0] ?? [];
  assertNothingDangles(records);
  const made = records.slice(first).flatMap(toMade);
  assertLinearizable(operations, made);
  await assertServed(gateways, made);
  const count = (outcome: Operation['outcome']): number => operations.filter((operation) => operation.outcome === outcome).length;
  t.diagnostic(
    `${operations.length} operations: ${count('done')} made, ${count('refused')} refused, ${count('unknown')} unknown; ` +
      `${load.served()} requests; at one hash after ${Math.round(convergedMs)} ms`,
  );
  assert.ok(count('done') > OPERATIONS / 10);
  assert.deepEqual(load.failures, []);
});

function toOperation(below: (limit: number) => number, client: number, gateway: number, index: number): Operation {
  const kind = below(2) === 0 ? 'service' : 'route';
  const mark = below(3) === 0 ? undefined : `w${client}-${index}-${below(1_000_000)}`;
  return { client, gateway, kind, name: `${kind}${below(NAMES)}`, mark, from: performance.now(), to: 0, outcome: 'unknown' };
}

async function carryOut(gateways: readonly Gateway[], operation: Operation, operations: Operation[]): Promise<void> {
  const { kind, name, mark } = operation;
  const gateway = gateways[operation.gateway];
  operations.push(operation);
  const shared = { name, namespace: 'default', tags: [mark] };
  const entity =
    kind === 'service'
      ? { ...shared, urls: ['http://127.0.0.1:1'] }
      : { ...shared, paths: [`/${name}`], methods: ['GET'], service: name.replace('route', 'service') };
  const body = mark === undefined ? { name, namespace: 'default' } : entity;
  try {
    const answer = await gateway?.admin(mark === undefined ? 'DELETE' : 'PUT', `/api/v1/${kind}`, body);
    const status = answer?.status ?? 0;
    if (status >= 200 && status < 300) operation.outcome = 'done';
    else if (status >= 400 && status < 500) operation.outcome = 'refused';
  } catch {
    // The gateway was killed amid it, or is down.
    await sleep(50);
  }
  operation.to = performance.now();
}

/** All records, oldest first. */
async function readHistory(gateway: Gateway | undefined): Promise<Page['data']> {
  const records: Page['data'][number][] = [];
  let before = '';
  for (;;) {
    const page = (await gateway?.admin('GET', `/api/v1/history?limit=500${before}`))?.json<Page>().data ?? [];
    records.push(...page);
    const last = page.at(-1);
    if (last === undefined || last.revision <= 1) return records.toReversed();
    before = `&before=${last.revision}`;
  }
}

function toMade({ revision, changes }: Page['data'][number]): readonly Made[] {
  return changes.map(({ kind, after, ...change }) => ({
    revision,
    key: `${kind} ${'name' in change ? change.name : ''}`,
    mark: after?.tags?.[0],
  }));
}

/** Every state of the history, one after the other, has all of its references. */
function assertNothingDangles(records: Page['data']): void {
  let graph: EntityGraph = applyChanges(emptyGraph(), [{ op: 'put', kind: 'namespace', entity: { name: 'default' } }]);
  records.forEach(({ revision, changes }, index) => {
    assert.equal(revision, index + 1, 'no revision is missing');
    const step = changes.map(
      ({ op, kind, after, ...rest }) => (op === 'put' ? { op, kind, entity: after } : { op, kind, ...rest }) as Change,
    );
    graph = applyChanges(graph, step);
  });
}

/** The order of the history explains what every client was told: what is done is there once, what was refused is not, and who began after another ended comes after it. */
function assertLinearizable(operations: readonly Operation[], made: readonly Made[]): void {
  const byMark = new Map(operations.filter(({ mark }) => mark !== undefined).map((operation) => [operation.mark, operation]));
  const revisionOf = new Map<Operation, number>();
  for (const { mark, revision } of made) {
    if (mark === undefined) continue;
    const operation = byMark.get(mark);
    assert.ok(operation !== undefined, `${mark} was never written`);
    assert.notEqual(operation.outcome, 'refused', `${mark} was refused`);
    assert.ok(!revisionOf.has(operation), `${mark} was made twice`);
    revisionOf.set(operation, revision);
  }
  for (const operation of operations)
    if (operation.outcome === 'done' && operation.mark !== undefined) assert.ok(revisionOf.has(operation), `${operation.mark} was lost`);
  const ordered = [...revisionOf].toSorted(([a], [b]) => a.from - b.from);
  for (const [operation, revision] of ordered)
    for (const [later, laterRevision] of ordered)
      if (operation.to < later.from && operation.outcome === 'done')
        assert.ok(revision < laterRevision, `${later.mark} began after ${operation.mark} was made`);
  assertDeletions(operations, made);
}

/** A deletion has no mark: of each key, as many are in the history as were made, or may have been. */
function assertDeletions(operations: readonly Operation[], made: readonly Made[]): void {
  const keys = new Set(operations.map(({ kind, name }) => `${kind} ${name}`));
  for (const key of keys) {
    const own = operations.filter(({ kind, name, mark }) => mark === undefined && `${kind} ${name}` === key);
    const done = own.filter(({ outcome }) => outcome === 'done').length;
    const unknown = own.filter(({ outcome }) => outcome === 'unknown').length;
    const found = made.filter((each) => each.key === key && each.mark === undefined).length;
    assert.ok(
      found >= done && found <= done + unknown,
      `${key} was deleted ${found} times; ${done} were acknowledged, ${unknown} are unknown`,
    );
  }
}

/** Every gateway serves what the history ends with. */
async function assertServed(gateways: readonly Gateway[], made: readonly Made[]): Promise<void> {
  const last = new Map(made.map(({ key, mark }) => [key, mark]));
  for (const gateway of gateways) {
    const served = new Map<string, string | undefined>();
    for (const kind of ['service', 'route']) {
      const answer = await until('it answers', async () => await gateway.admin('GET', `/api/v1/${kind}`));
      for (const { name, tags } of answer.json<{ readonly data: readonly { readonly name: string; readonly tags?: readonly string[] }[] }>()
        .data)
        served.set(`${kind} ${name}`, tags?.[0]);
    }
    for (const [key, mark] of last) assert.equal(served.get(key), mark, key);
  }
}
