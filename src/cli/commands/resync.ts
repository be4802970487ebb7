import { setTimeout as pause } from 'node:timers/promises';
import type { CommandContext } from '../command.ts';
import { callerOf } from '../configured-admin.ts';
import { Failure } from '../failure.ts';
import { flagText } from '../flags.ts';
import { toData } from '../to-data.ts';

interface ResyncState {
  readonly state: 'idle' | 'running' | 'done' | 'failed';
  readonly progress?: {
    readonly phase: 'write' | 'deliver' | 'clean';
    readonly schema?: string;
    readonly done: number;
    readonly total?: number;
  };
  /** Without `waiting` when it only told what would be repaired. */
  readonly result?: Readonly<Record<string, unknown>> & { readonly waiting?: number };
  readonly error?: string;
}

const PATH = '/api/v1/sync/resync';
const POLL_MS = 300;
const PHASES = { write: 'into the event log', deliver: 'delivered to etcd', clean: 'superfluous keys removed' } as const;

/** `resync [SCHEMA…]`: has the running gateway make etcd hold what it should, and tells how far it is. Resolves to 1 when changes still wait at the end. */
export async function resync(context: CommandContext): Promise<number> {
  const { words: schemas, flags, io } = context;
  const call = callerOf(context);
  const former = flagText(flags, 'former')?.split(',');
  const body = { schemas, ...(former && { former }), ...(flags['dry-run'] === true && { dry_run: true }) };
  let told = '';
  for (let answer = await call({ method: 'POST', path: PATH, body }); ; answer = await call({ method: 'GET', path: PATH })) {
    const { state, progress, result, error } = toData(answer) as ResyncState;
    if (state === 'failed') throw new Failure(1, error ?? 'it failed');
    if (result !== undefined) {
      await context.print(result, 'yaml');
      const { waiting = 0 } = result;
      if (waiting > 0) io.err(`${waiting} changes still wait: sekisho sync status tells who delivers, and what hinders\n`);
      return waiting === 0 ? 0 : 1;
    }
    const line =
      progress === undefined
        ? ''
        : `${progress.schema ?? 'all'}: ${progress.done}${progress.total === undefined ? '' : ` of ${progress.total}`} ${PHASES[progress.phase]}`;
    if (line !== told) io.err(`${line}\n`);
    told = line;
    await pause(POLL_MS);
  }
}
