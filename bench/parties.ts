import { cpuSeconds } from './process-usage.ts';

/** Who takes part in a scenario, by name: the processes of each. */
export type Parties = Readonly<Record<string, readonly number[]>>;

/** What the parties used while something went on, and what that gave. */
export interface PartyUse<T> {
  readonly result: T;
  readonly seconds: number;
  /** CPU seconds per second, by name; `client` is this process. */
  readonly cores: Readonly<Record<string, number>>;
}

/** Measures the CPU of each party, and of this process, while `work` goes on. */
export async function measureParties<T>(parties: Parties, work: () => Promise<T>): Promise<PartyUse<T>> {
  const names = Object.keys(parties);
  const read = (): readonly number[] => names.map((name) => cpuSeconds(parties[name] ?? []));
  const [before, own, startedAt] = [read(), process.cpuUsage(), performance.now()];
  const result = await work();
  const [seconds, { user, system }] = [(performance.now() - startedAt) / 1000, process.cpuUsage(own)];
  const used = read().map((after, index) => [names[index] ?? '', (after - (before[index] ?? 0)) / seconds] as const);
  return { result, seconds, cores: { ...Object.fromEntries(used), client: (user + system) / 1e6 / seconds } };
}

/** `etcd 0.39, workers 0.11`. */
export function tellCores({ cores }: PartyUse<unknown>): string {
  return Object.entries(cores)
    .map(([name, used]) => `${name} ${used.toFixed(2)}`)
    .join(', ');
}
