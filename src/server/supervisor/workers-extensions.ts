import type { ExtensionControl } from '../../admin/types.ts';
import type { WorkerProcess } from './worker-process.ts';

/** The extensions of all live workers; a worker that does not answer is left out. */
export function createWorkersExtensions(live: () => readonly WorkerProcess[]): ExtensionControl {
  return {
    async status() {
      const answers = await Promise.allSettled(
        live().map(async ({ worker, peer }) => {
          const { environments, threads, waiting } = await peer.call('extensionStatus');
          const named = <Row extends object>(row: Row) => ({ ...row, worker });
          return { environments: environments.map(named), threads: threads.map(named), waiting };
        }),
      );
      const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
      return {
        environments: found.flatMap(({ environments }) => environments),
        threads: found.flatMap(({ threads }) => threads),
        waiting: found.reduce((sum, { waiting }) => sum + waiting, 0),
      };
    },
    async release(environment) {
      const done = await Promise.allSettled(live().map(({ peer }) => peer.call('releaseExtension', environment)));
      return done.some((each) => each.status === 'fulfilled' && each.value);
    },
  };
}
