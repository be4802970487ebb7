import type { Etcd, Lease } from '../etcd/types.ts';
import { SekishoError, toSekishoError } from '../lib/errors.ts';
import type { FleetEvent } from '../lib/fleet-event.ts';
import { toNodeKey } from './node-key.ts';
import { pause } from './pause.ts';
import type { FleetNode } from './types.ts';

export interface RegistrationOptions {
  readonly etcd: Etcd;
  /** What all keys of the fleet begin with. */
  readonly prefix: string;
  /** Unique in the fleet, and the same after a restart. */
  readonly id: string;
  /** What the node tells of itself now. */
  readonly describe: () => Omit<FleetNode, 'id'>;
  readonly observe: (event: FleetEvent) => void;
  /** How long others take the node for alive after its end. Milliseconds; 10000 by default. */
  readonly ttlMs?: number;
  /** Least time between two writes. Milliseconds; 200 by default. */
  readonly minIntervalMs?: number;
  /** How often what the node tells is looked at when nobody says that it changed. Milliseconds; 5000 by default. */
  readonly refreshMs?: number;
}

/** A node's entry among the nodes of the fleet. */
export interface Registration {
  /** Something of what the node tells is new. It is written soon; many changes become one write. */
  changed(): void;
  /** Why the others do not see this node; undefined when they do. */
  problem(): string | undefined;
  /** Leaves the fleet at once. Never rejects. */
  close(): Promise<void>;
}

const MAX_PAUSE_MS = 5000;

/** Makes the node known under a lease, and keeps its entry true. Lost leases and an etcd that is away are tried again for ever. */
export function registerNode(options: RegistrationOptions): Registration {
  const registration = new NodeRegistration(options);
  const running = registration.run();
  return {
    changed: () => registration.changed(),
    problem: () => registration.problem,
    async close() {
      registration.close();
      await running;
    },
  };
}

class NodeRegistration {
  problem: string | undefined = 'this node is not registered yet';
  readonly #options: Required<RegistrationOptions>;
  readonly #id: string;
  readonly #key: string;
  readonly #closing = new AbortController();
  #wake: () => void = () => {};
  #isNews = false;
  /** The first entry replaces that of a process before, which may have been killed; later ones never one of another process. */
  #isTakingOver = true;
  #written = '';

  constructor(options: RegistrationOptions) {
    this.#options = { ttlMs: 10_000, minIntervalMs: 200, refreshMs: 5000, ...options };
    this.#id = options.id;
    this.#key = toNodeKey(options.prefix, this.#id);
  }

  changed(): void {
    this.#isNews = true;
    this.#wake();
  }

  close(): void {
    this.#closing.abort();
    this.#wake();
  }

  async run(): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted; ) {
      try {
        const lease = await this.#options.etcd.lease(this.#options.ttlMs, signal);
        try {
          await this.#stay(lease, () => (failures = 0));
        } finally {
          await lease.close();
        }
      } catch (error) {
        if (signal.aborted) break;
        failures += 1;
        this.#tell(toSekishoError(error));
        await pause(Math.min(MAX_PAUSE_MS, 100 * 2 ** failures), signal);
      }
    }
  }

  /** Until the lease is lost; rejects when the entry can't be written. */
  async #stay(lease: Lease, onWritten: () => void): Promise<void> {
    const { minIntervalMs, refreshMs, describe } = this.#options;
    const ending = AbortSignal.any([this.#closing.signal, lease.lost]);
    this.#written = '';
    while (!ending.aborted) {
      this.#isNews = false;
      const value = JSON.stringify(describe());
      if (value !== this.#written) await this.#write(value, lease);
      onWritten();
      this.#tell(undefined);
      await pause(minIntervalMs, ending);
      if (!ending.aborted && !this.#isNews) await this.#untilNews(refreshMs, ending);
    }
  }

  async #write(value: string, { id: lease }: Lease): Promise<void> {
    const put = { put: { key: this.#key, value, lease } };
    if (this.#isTakingOver) await this.#options.etcd.txn({ success: [put] });
    else if (!(await this.#replace(put, lease)))
      throw new SekishoError('FLEET_ID', `another node of the fleet has the id ${this.#id}: give each its own node_id`);
    this.#isTakingOver = false;
    this.#written = value;
  }

  /** False when the entry is another process's. */
  async #replace(put: Parameters<Etcd['txn']>[0]['success'][number], lease: string): Promise<boolean> {
    const { etcd } = this.#options;
    const own = await etcd.txn({ compare: [{ key: this.#key, target: 'lease', result: '=', value: lease }], success: [put] });
    if (own.succeeded) return true;
    return (await etcd.txn({ compare: [{ key: this.#key, target: 'createRevision', result: '=', value: 0 }], success: [put] })).succeeded;
  }

  async #untilNews(ms: number, ending: AbortSignal): Promise<void> {
    const waking = new AbortController();
    this.#wake = () => waking.abort();
    await pause(ms, AbortSignal.any([waking.signal, ending]));
    this.#wake = () => {};
  }

  #tell(error: SekishoError | undefined): void {
    const problem = error === undefined ? undefined : `the other nodes do not see this one: ${error.message}`;
    if (problem === this.problem) return;
    this.problem = problem;
    this.#options.observe({ type: 'fleet.registered', id: this.#id, isRegistered: error === undefined, ...(error && { error }) });
  }
}
