import type { ExtensionControl } from '../admin/types.ts';
import type { Extensions } from '../extension/types.ts';

/** Shows and frees the extensions of this process, and those of its workers. */
export function createExtensionControl(own: () => Extensions | undefined, workers: ExtensionControl | undefined): ExtensionControl {
  return {
    async status() {
      const mine = own()?.status() ?? { environments: [], threads: [], waiting: 0 };
      const theirs = await workers?.status();
      if (theirs === undefined) return mine;
      return {
        environments: [...mine.environments, ...theirs.environments],
        threads: [...mine.threads, ...theirs.threads],
        waiting: mine.waiting + theirs.waiting,
      };
    },
    async release(environment) {
      const mine = own()?.release(environment) === true;
      return (await workers?.release(environment)) === true || mine;
    },
  };
}
