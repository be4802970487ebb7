import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandContext } from '../command.ts';
import { Failure } from '../failure.ts';
import { rejectWords } from '../reject-words.ts';
import { toData } from '../to-data.ts';

/** Longer than the gateway itself waits (`upgrade_timeout`), unless that was made longer; then the outcome is in its log. */
const PATIENCE_MS = 90_000;
const PAUSE_MS = 200;

/** `upgrade`: begins to hand over, and waits until the new process answers. Rejects with a `Failure` when it does not come up. */
export async function upgrade(context: CommandContext): Promise<number> {
  rejectWords(context.words);
  const before = fieldsOf(toData(await context.call({ method: 'POST', path: '/api/v1/upgrade' })))['pid'];
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until; ) {
    await sleep(PAUSE_MS);
    const answer = await context.call({ method: 'GET', path: '/api/v1/status', accept: [503] }).catch(() => undefined);
    if (answer?.status !== 200) continue;
    const { pid, version, upgradeError } = fieldsOf(toData(answer));
    if (typeof upgradeError === 'string') throw new Failure(1, `the old process serves on: ${upgradeError}`);
    if (pid === before) continue;
    await context.print({ pid, version }, 'yaml');
    return 0;
  }
  throw new Failure(1, 'the new process has not answered yet; the log of the gateway tells how it went');
}

function fieldsOf(data: unknown): Readonly<Record<string, unknown>> {
  return typeof data === 'object' && data !== null ? { ...data } : {};
}
