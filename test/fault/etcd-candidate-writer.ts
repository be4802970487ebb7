import { createEtcd } from '../../src/etcd/client.ts';
import { createElection } from '../../src/etcd/election.ts';

/**
 * A candidate that the test stops and ends. Prints a line `believes <nanoseconds>` each time that it takes itself for the leader, and one
 * `refused <term>` when its fence did not hold. Its work is a chain of keys `<key>-log/…` with its term, written under its fence.
 */
const [endpoints = '', key = '', name = ''] = process.argv.slice(2);
const etcd = createEtcd({ endpoints: endpoints.split(',') }, { observe: () => undefined });
const tell = (text: string): void => void process.stdout.write(`${text}\n`);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const election = createElection({
  etcd,
  key,
  candidate: name,
  ttlMs: 2000,
  async lead({ fence, lost, term }) {
    tell(`leads ${term}`);
    for (let i = 0; !lost.aborted; i += 1) {
      // The process may be stopped anywhere here: that the clock was right a moment ago does not help, the fence does.
      const value = `${term}`;
      const result = await etcd
        .txn({ compare: [fence], success: [{ put: { key: `${key}-log/${name}/${term}/${i}`, value } }] })
        .catch(() => undefined);
      if (result?.succeeded === false) tell(`refused ${term}`);
      await pause(5);
    }
    tell(`lost ${term}`);
  },
});

// I/O as well as timers: after a stop, what waits at the sockets has its turn before the timers.
const look = (): void => {
  if (election.isLeader) tell(`believes ${process.hrtime.bigint()}`);
};
setInterval(look, 5);
process.stdin.on('data', look);
