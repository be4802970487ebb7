import type { ExtensionControl, WorkerView } from '../../admin/types.ts';
import type { Entities } from '../../entity/types.ts';
import { SekishoError, toSekishoError } from '../../lib/errors.ts';
import { observe } from '../../lib/event.ts';
import { diffEntities, type EntitiesDelta, hasCode } from '../entities-delta.ts';
import type { Plane } from '../plane.ts';
import type { WorkerProcess } from './worker-process.ts';
import type { Workers } from './workers.ts';
import { createWorkersExtensions } from './workers-extensions.ts';

/** A change that workers have built. */
export interface WorkersBuild {
  readonly ticket: number;
  readonly entities: Entities;
  readonly by: ReadonlySet<WorkerProcess>;
}

export interface WorkersPlane extends Plane<WorkersBuild> {
  /** Brings a worker that has started to what is served; from then on it takes part in changes. Rejects when it can't build it. */
  join(worker: WorkerProcess): Promise<void>;
}

/** How long a change waits for a worker when there is none. */
const PATIENCE_MS = 20_000;

/**
 * The data plane of all workers:
 *
 *   build:  diff ─► prepare in every worker (code of users: in one first) ─► all or none
 *   swap:   commit in every worker; one that can't is replaced, and no longer waited for
 *
 * Changes come one at a time. A worker that starts meanwhile is brought to the state that is served, and gets what it missed before it takes part.
 */
export function createWorkersPlane(workers: () => Workers): WorkersPlane {
  return new PlaneOfProcesses(workers);
}

class PlaneOfProcesses implements WorkersPlane {
  readonly modules: WorkersPlane['modules'];
  readonly extensions: ExtensionControl;
  readonly #workers: () => Workers;
  #served: Entities | undefined;
  #version = 0;
  #revision = 0;
  #lastTicket = 0;

  constructor(workers: () => Workers) {
    this.#workers = workers;
    this.extensions = createWorkersExtensions(() => this.#live());
    this.modules = { status: () => this.#programs(), release: (key) => this.#release(key) };
  }

  readonly join = async (worker: WorkerProcess): Promise<void> => {
    await this.#catchUp(worker);
    worker.isLive = true;
  };

  readonly build = async (next: Entities): Promise<WorkersBuild> => {
    const delta = diffEntities(this.#served, next);
    this.#lastTicket += 1;
    const ticket = this.#lastTicket;
    for (;;) {
      const by = await this.#prepareAll(await this.#untilLive(), ticket, delta);
      if (by.size > 0) return { ticket, entities: next, by };
    }
  };

  readonly discard = ({ by, ticket }: Pick<WorkersBuild, 'by' | 'ticket'>): void => {
    for (const worker of by) worker.peer.call('discard', ticket).catch(() => undefined);
  };

  readonly swap = async ({ ticket, entities, by }: WorkersBuild, revision: number): Promise<void> => {
    this.#version += 1;
    this.#served = entities;
    this.#revision = revision;
    const version = this.#version;
    const commit = async (worker: WorkerProcess): Promise<void> => {
      try {
        if (!by.has(worker)) return await this.#catchUp(worker);
        await worker.peer.call('commit', ticket);
        worker.entities = entities;
        worker.version = version;
      } catch (error) {
        if (isGone(error) || worker.isExpectedToEnd) return;
        observe({ type: 'error', error: toSekishoError(error), where: `worker ${worker.worker} (it is replaced)` });
        worker.kill('it did not take a change');
      }
    };
    await Promise.all(this.#live().map(commit));
  };

  readonly explain: WorkersPlane['explain'] = async (query) => {
    const [first] = await this.#untilLive();
    if (first === undefined) throw new SekishoError('WORKER_ABSENT', 'no worker serves');
    return await first.peer.call('explain', query);
  };

  readonly inFlight = (): number => {
    const processes = this.#workers().processes();
    return processes.reduce((sum, { vitals }) => sum + vitals.inFlight, 0);
  };

  readonly workers = (): readonly WorkerView[] => this.#workers().view(this.#revision);

  #live(): WorkerProcess[] {
    return this.#workers()
      .processes()
      .filter(({ isLive }) => isLive);
  }

  /** The workers that have built it; those that end meanwhile are left out. Rejects when one finds it wrong, or ended over code of users; then none keeps it. */
  async #prepareAll(all: readonly WorkerProcess[], ticket: number, delta: EntitiesDelta): Promise<ReadonlySet<WorkerProcess>> {
    const isRisky = hasCode(delta);
    const by = new Set<WorkerProcess>();
    const add = async (worker: WorkerProcess): Promise<void> => {
      worker.isAtRisk = isRisky;
      try {
        if (await prepare(worker, ticket, delta)) by.add(worker);
        else if (isRisky && !worker.isExpectedToEnd) throw crashed(worker, await worker.exited);
      } finally {
        worker.isAtRisk = false;
      }
    };
    try {
      // Code that takes a process down takes one down, not all at once.
      const first = isRisky ? all.find(({ isExpectedToEnd }) => !isExpectedToEnd) : undefined;
      if (first !== undefined) await add(first);
      const results = await Promise.allSettled(all.filter((worker) => worker !== first).map(add));
      const failure = results.find(({ status }) => status === 'rejected');
      if (failure?.status === 'rejected') throw failure.reason;
    } catch (error) {
      this.discard({ by, ticket });
      throw error;
    }
    return by;
  }

  async #catchUp(worker: WorkerProcess): Promise<void> {
    while (worker.version !== this.#version && this.#served !== undefined) {
      const [entities, version] = [this.#served, this.#version];
      this.#lastTicket += 1;
      const ticket = this.#lastTicket;
      await worker.peer.call('prepare', ticket, diffEntities(worker.entities, entities));
      await worker.peer.call('commit', ticket);
      worker.entities = entities;
      worker.version = version;
    }
  }

  /** All live workers; waits for one when there is none. Rejects with WORKER_ABSENT when none comes. */
  async #untilLive(): Promise<readonly WorkerProcess[]> {
    const until = Date.now() + PATIENCE_MS;
    for (let found = this.#live(); ; found = this.#live()) {
      if (found.some(({ isExpectedToEnd }) => !isExpectedToEnd)) return found;
      if (Date.now() >= until)
        throw new SekishoError('WORKER_ABSENT', `no worker has come up within ${PATIENCE_MS / 1000} s; ${this.#workers().lastFailure()}`);
      await this.#workers().untilNews(until - Date.now());
    }
  }

  async #programs(): Promise<Awaited<ReturnType<WorkersPlane['modules']['status']>>> {
    const lists = await Promise.allSettled(
      this.#live().map(async ({ worker, peer }) => (await peer.call('moduleStatus')).map((program) => ({ ...program, worker }))),
    );
    return lists.flatMap((list) => (list.status === 'fulfilled' ? list.value : []));
  }

  async #release(key: string): Promise<boolean> {
    const done = await Promise.allSettled(this.#live().map(({ peer }) => peer.call('releaseModule', key)));
    return done.some((each) => each.status === 'fulfilled' && each.value);
  }
}

/** True when it has built the change; false when it ended meanwhile, or ends. Rejects with what is wrong with the change. */
async function prepare(worker: WorkerProcess, ticket: number, delta: EntitiesDelta): Promise<boolean> {
  try {
    await worker.peer.call('prepare', ticket, delta);
    return true;
  } catch (error) {
    if (worker.isExpectedToEnd || isGone(error)) return false;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof SekishoError && error.code === 'WORKER_CRASHED';
}

function crashed({ worker }: WorkerProcess, how: string): SekishoError {
  return new SekishoError(
    'WORKER_CRASHED',
    `worker ${worker} ended while it built the change (${how}); the change has code of modules, and was not stored`,
  );
}
