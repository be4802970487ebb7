import { SekishoError } from '../../lib/errors.ts';
import type { ModelFiles, ModelFollowers } from '../models.ts';
import type { WorkerProcess } from './worker-process.ts';

/** The workers as processes that serve what the supervisor has prepared. One that ends meanwhile is not waited for: its successor begins with the new files. */
export function createModelFollowers(processes: () => readonly WorkerProcess[]): ModelFollowers {
  let prepared: readonly WorkerProcess[] = [];
  let wanted: ModelFiles | undefined;
  const each = async (workers: readonly WorkerProcess[], ask: (worker: WorkerProcess) => Promise<void>): Promise<void> => {
    const results = await Promise.allSettled(workers.map(ask));
    const failure = results.find((result) => result.status === 'rejected' && !isGone(result.reason));
    if (failure?.status === 'rejected') throw failure.reason;
  };
  const followers: ModelFollowers = {
    async prepare(files) {
      wanted = files;
      prepared = processes().filter(({ isLive }) => isLive);
      try {
        await each(prepared, async ({ peer }) => await peer.call('prepareModels', files));
      } catch (error) {
        await followers.discard();
        throw error;
      }
    },
    async commit() {
      const late = processes().filter((worker) => worker.isLive && !prepared.includes(worker));
      await each([...prepared, ...late], async (worker) => {
        try {
          if (late.includes(worker) && wanted !== undefined) return await serveFiles(worker, wanted);
          worker.schemaFiles = wanted;
          await worker.peer.call('commitModels');
        } catch (error) {
          // It cannot go on with what others do not serve any more.
          worker.kill('it did not take new schemas');
          throw error;
        }
      });
    },
    async discard() {
      await each(prepared, async ({ peer }) => await peer.call('discardModels'));
    },
  };
  return followers;
}

/** Has a worker that takes no part in a change serve these files, unless it does. */
export async function serveFiles(worker: WorkerProcess, files: ModelFiles): Promise<void> {
  if (worker.schemaFiles === files) return;
  // Said first: whoever looks meanwhile must not ask for the same.
  worker.schemaFiles = files;
  await worker.peer.call('prepareModels', files);
  await worker.peer.call('commitModels');
}

function isGone(error: unknown): boolean {
  return error instanceof SekishoError && error.code === 'WORKER_CRASHED';
}
