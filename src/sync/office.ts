import { toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';

/** A term of an office, wherever that is held. */
export interface Term {
  readonly lost: AbortSignal;
  readonly term: number;
}

/** What an election does with the terms of a role: `work` runs in each, and who reads the events learns of its begin and end. */
export function leadsAs<T extends Term>(
  role: string,
  work: (leadership: T) => Promise<void>,
): { lead(leadership: T): Promise<void>; onError(error: unknown): void } {
  return {
    async lead(leadership) {
      const { term, lost } = leadership;
      observe({ type: 'sync.leader', role, term, leads: true });
      try {
        await work(leadership);
      } catch (error) {
        if (!lost.aborted) observe({ type: 'error', error: toSekishoError(error), where: `the work of ${role}` });
      } finally {
        observe({ type: 'sync.leader', role, term, leads: false });
      }
    },
    onError: (error) => observe({ type: 'error', error: toSekishoError(error), where: `the election of ${role}` }),
  };
}
