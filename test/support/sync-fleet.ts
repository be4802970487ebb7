import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Etcd, WatchEvent } from '../../src/etcd/types.ts';
import type { ChangeSource } from '../../src/sql/change-source.ts';
import type { Database } from '../../src/sql/types.ts';
import { DELIVERED_PREFIX, PUBLISHER_KEY } from '../../src/sync/names.ts';
import { REPOSITORY } from './source-files.ts';
import { type Changes, syncType } from './sync.ts';
import { until } from './until.ts';

export interface FleetOptions {
  readonly kind: Database['kind'];
  readonly connection: string;
  readonly endpoints: readonly string[];
  readonly nodes: number;
  readonly ttlMs: number;
  /** Where the order comes from, when not from the log itself. */
  readonly source?: ChangeSource['name'] | undefined;
}

export interface FleetNode {
  readonly name: string;
  readonly process: ChildProcess;
  readonly lines: readonly string[];
}

/** Processes that deliver one event log, of which one leads. */
export interface Fleet extends AsyncDisposable {
  /** Settles when all nodes have prepared their tables and run. */
  ready(): Promise<unknown>;
  /** The node whose term is the newest; waits for one other than `but`. */
  leader(but?: FleetNode): Promise<FleetNode>;
  /** Kills a node at once, and starts another in its place. */
  replace(node: FleetNode): void;
  /** How often nodes, those that were replaced too, told a line that begins so. */
  told(line: string): number;
}

/** Starts the nodes of a fleet. */
export function startFleet(options: FleetOptions): Fleet {
  const nodes: FleetNode[] = [];
  const all: FleetNode[] = [];
  const start = (): void => {
    const node = startNode(options, `node-${all.length + 1}`);
    nodes.push(node);
    all.push(node);
  };
  for (let i = 0; i < options.nodes; i += 1) start();
  const leads = (node: FleetNode): number => {
    const last = node.lines.findLast((line) => line.startsWith('leads ') || line.startsWith('leaves '));
    return last?.startsWith('leads ') === true ? Number(last.split(' ')[1]) : 0;
  };
  return {
    ready: () => until('all nodes run', () => nodes.every(({ lines }) => lines.includes('up'))),
    leader: (but) =>
      until('a node leads', () => nodes.filter((node) => node !== but && leads(node) > 0).toSorted((a, b) => leads(b) - leads(a))[0]),
    replace(node) {
      node.process.kill('SIGKILL');
      nodes.splice(nodes.indexOf(node), 1);
      start();
    },
    told: (beginning) => all.reduce((sum, { lines }) => sum + lines.filter((line) => line.startsWith(beginning)).length, 0),
    async [Symbol.asyncDispose]() {
      const alive = nodes.filter(({ process: child }) => child.exitCode === null && child.signalCode === null);
      const ended = alive.map(({ process: child }) => new Promise((resolve) => child.once('exit', resolve)));
      for (const { process: child } of alive) child.kill('SIGKILL');
      await Promise.all(ended);
    },
  };
}

function startNode({ kind, connection, endpoints, ttlMs, source }: FleetOptions, name: string): FleetNode {
  const script = join(REPOSITORY, 'test/fault/sync-node-writer.ts');
  const words = [kind, connection, endpoints.join(','), name, String(ttlMs), source ?? 'poll'];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...words], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  child.stdin?.on('error', () => undefined);
  return { name, process: child, lines };
}

/** Looks at etcd from outside: versions of every key, and which leader wrote when. */
export interface Witness {
  /** What should not have happened: a version that went back, a write of a leader that was none any more. */
  faults(): readonly string[];
  /** Whether it has looked at everything up to this revision: at keys of networks, and at those of the nodes. */
  hasSeen(revision: number): boolean;
  close(): Promise<void>;
}

export function startWitness(etcd: Etcd): Witness {
  const faults: string[] = [];
  const versions = new Map<string, number>();
  const seen = { configs: 0, office: 0 };
  const see = ({ type, kv }: Pick<WatchEvent, 'type' | 'kv'>): void => {
    seen.configs = kv.modRevision;
    if (type === 'delete') {
      versions.delete(kv.key);
      return;
    }
    const { version } = JSON.parse(kv.value.toString()) as { readonly version: number };
    const before = versions.get(kv.key) ?? 0;
    if (version < before) faults.push(`${kv.key} went from version ${before} back to ${version} at revision ${kv.modRevision}`);
    versions.set(kv.key, version);
  };
  // Only types with state_versioning count their versions.
  const configs = etcd.watch({
    prefix: '/config/v1/nets/',
    onList({ kvs }) {
      const present = new Set(kvs.map(({ key }) => key));
      for (const key of versions.keys()) if (!present.has(key)) versions.delete(key);
      for (const kv of kvs) see({ type: 'put', kv });
    },
    onEvents: (events) => events.forEach(see),
  });
  let term = 0;
  const office = etcd.watch({
    prefix: '/gohan/cluster/',
    onList({ kvs }) {
      term = kvs.find(({ key }) => key === PUBLISHER_KEY)?.createRevision ?? 0;
    },
    onEvents(events) {
      for (const { type, kv } of events) {
        seen.office = kv.modRevision;
        if (kv.key === PUBLISHER_KEY) term = type === 'put' ? kv.createRevision : 0;
        if (type !== 'put' || !kv.key.startsWith(DELIVERED_PREFIX)) continue;
        const by = Number(/term=(\d+)/.exec(kv.value.toString())?.[1]);
        if (by !== term) faults.push(`the leader of term ${by} wrote in term ${term}, at revision ${kv.modRevision}`);
      }
    },
  });
  return {
    faults: () => faults,
    hasSeen: (revision) => Math.min(seen.configs, seen.office) >= revision,
    async close() {
      await Promise.all([configs.close(), office.close()]);
    },
  };
}

/** The faults that were seen up to now: what etcd told before keys that are written now has been looked at. */
export async function seenFaults(etcd: Etcd, witness: Witness): Promise<readonly string[]> {
  const revision = await etcd.put('/config/v1/nets/mark', '{"version":0}');
  await etcd.put('/gohan/cluster/mark', '');
  await until('the witness has seen everything', () => witness.hasSeen(revision));
  return witness.faults();
}

/** Changes resources as `writers` clients do, each `count` times; keys are few, so that they meet. Gives the number of changes. */
export async function changeAtRandom(changes: Changes, writers: number, count: number): Promise<number> {
  const net = syncType('net');
  let done = 0;
  const write = async (writer: number): Promise<void> => {
    for (let i = 0; i < count; i += 1) {
      const id = `${writer % 4}-${Math.floor(Math.random() * 8)}`;
      const dice = Math.random();
      try {
        if (dice < 0.15) await changes.delete(net, id);
        else if (!(await changes.update(net, id, { name: `${writer}.${i}` }))) await changes.create(net, { id, name: `${writer}.${i}` });
        done += 1;
      } catch (error) {
        // Two that create the same; or a clash that the database gave up on.
        const { code } = error as { readonly code?: string };
        if (code !== 'RESOURCE_CONFLICT' && code !== 'DATABASE_RETRY') throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
  return done;
}
