import { hostname } from 'node:os';
import type { ClusterControl } from '../admin/cluster-control.ts';
import type { WorkerView } from '../admin/types.ts';
import type { Settings } from '../config/settings.ts';
import type { Etcd } from '../etcd/types.ts';
import { readEtcdView } from '../fleet/etcd-view.ts';
import { type Fleet, joinFleet } from '../fleet/fleet.ts';
import type { FleetNode } from '../fleet/types.ts';
import { defragmentMembers, findMember } from '../fleet/upkeep.ts';
import { toSekishoError } from '../lib/errors.ts';
import { observe, subscribe } from '../lib/event.ts';
import { VERSION } from '../lib/version.ts';
import type { Registry } from '../store/registry.ts';
import type { Closable } from './closing.ts';
import type { Listening } from './listeners.ts';

export interface FleetNeeds {
  readonly registry: Registry;
  /** Listeners of the traffic, and of the admin API. */
  readonly proxy: () => Listening['listeners'];
  readonly admin: () => Listening['listeners'];
  readonly workers: () => readonly WorkerView[];
  /** Processes that should serve; 0 when this one does. */
  readonly wantedWorkers: () => number;
  /** Tags of this node. */
  readonly tags: () => readonly string[];
  /** What else is wrong with this node. */
  readonly problems: () => readonly string[];
}

export interface StartedFleet extends Closable {
  readonly control: ClusterControl;
  /** What the node tells of itself may be another. */
  changed(): void;
  problems(): readonly string[];
}

/** How long the address of a node that takes changes is taken for true. */
const WRITER_MS = 2000;

/** Makes this node known to those that share its state. Never waits for etcd: it may be away. */
export function startFleet(settings: Settings, etcd: Etcd, needs: FleetNeeds): StartedFleet {
  const { registry } = needs;
  let served = { revision: registry.revision(), hash: registry.hash() };
  const startedAt = new Date().toISOString();
  const fleet = joinFleet({
    etcd,
    prefix: settings.storage.prefix,
    id: toNodeId(settings),
    describe: () => describe(settings, needs, { ...served, startedAt }),
    observe,
  });
  const unsubscribe = subscribe((event) => {
    if (event.type === 'snapshot.swapped') served = { revision: event.revision, hash: event.hash };
    else if (event.type !== 'entity.rejected' && event.type !== 'worker.state' && event.type !== 'store.health') return;
    fleet.changed();
  });
  return {
    control: toControl(etcd, fleet),
    changed: () => fleet.changed(),
    problems() {
      const problem = fleet.problem();
      return problem === undefined ? [] : [problem];
    },
    async close() {
      unsubscribe();
      await fleet.close();
    },
  };
}

function describe(
  settings: Settings,
  needs: FleetNeeds,
  served: Pick<FleetNode, 'revision' | 'hash' | 'startedAt'>,
): Omit<FleetNode, 'id'> {
  const { admin } = settings;
  const proxy = needs.proxy().map(({ address }) => address);
  const adminUrl = admin?.advertise ?? needs.admin()[0]?.address;
  return {
    version: VERSION,
    proxy,
    ...(adminUrl !== undefined && { admin: adminUrl }),
    tags: needs.tags(),
    watchOnly: admin?.watchOnly ?? false,
    workers: { serving: needs.workers().filter(({ state }) => state === 'serving').length, wanted: needs.wantedWorkers() },
    ...served,
    rejected: needs.registry.rejected().length,
    problems: needs.problems(),
  };
}

/** The configured name; else that of the machine, with a port: several nodes may share one. */
function toNodeId({ nodeId, admin, proxy }: Settings): string {
  return nodeId === '' ? `${hostname()}:${admin?.port || proxy.port || process.pid}` : nodeId;
}

function toControl(etcd: Etcd, fleet: Fleet): ClusterControl {
  const { cluster } = etcd;
  return {
    isRegistered: () => fleet.problem() === undefined,
    async status() {
      const [nodes, view] = await Promise.all([fleet.nodes().catch(toSekishoError), readEtcdView(cluster)]);
      const unknown = 'message' in nodes ? [`the nodes are not known: ${nodes.message}`] : [];
      const known = 'message' in nodes ? [] : nodes;
      return { nodes: known, etcd: view, problems: [...unknown, ...toProblems(known), ...view.problems] };
    },
    nodes: () => fleet.nodes(),
    members: async () => (await readEtcdView(cluster)).members,
    addMember: (peerUrls, learner) => cluster.add(peerUrls, { learner }),
    removeMember: async (member) => await cluster.remove(findMember(await cluster.members(), member).id),
    promoteMember: async (member) => await cluster.promote(findMember(await cluster.members(), member).id),
    defragment: (member) => defragmentMembers(cluster, member),
    async disarm() {
      const alarms = await cluster.alarms();
      for (const alarm of alarms) await cluster.disarm(alarm);
      return alarms;
    },
    snapshot: () => cluster.snapshot(),
    untilServed: (revision, timeoutMs) => fleet.untilServed(revision, timeoutMs),
    writer: cached(async () => (await fleet.nodes()).find(({ admin, watchOnly }) => admin !== undefined && !watchOnly)?.admin, WRITER_MS),
  };
}

/** What nodes say of themselves, and that they differ. */
function toProblems(nodes: readonly FleetNode[]): readonly string[] {
  const newest = Math.max(0, ...nodes.map(({ revision }) => revision));
  return nodes.flatMap(({ id, revision, hash, problems }) => {
    const same = nodes.find((other) => other.revision === revision);
    return [
      ...problems.map((problem) => `node ${id}: ${problem}`),
      ...(revision < newest ? [`node ${id} serves revision ${revision}, others ${newest}`] : []),
      ...(same !== undefined && same.hash !== hash ? [`node ${id} serves revision ${revision} with another history than ${same.id}`] : []),
    ];
  });
}

/** Asks again only when the last answer is older than `ms`. */
function cached<T>(ask: () => Promise<T>, ms: number): () => Promise<T> {
  let known: { readonly at: number; readonly answer: Promise<T> } | undefined;
  return () => {
    if (known === undefined || performance.now() - known.at > ms) known = { at: performance.now(), answer: ask() };
    return known.answer;
  };
}
