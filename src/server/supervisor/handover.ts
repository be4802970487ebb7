import { spawn } from 'node:child_process';
import { SekishoError } from '../../lib/errors.ts';
import { observe } from '../../lib/event.ts';
import type { Bridge } from '../../runtime/types.ts';
import type { MemoryContents } from '../../store/memory-store.ts';
import { createPeer, type Peer } from '../peer.ts';
import { fromWireError } from '../wire-error.ts';
import type { PredecessorCalls, SuccessorCalls } from './handover-calls.ts';
import { TAKEOVER_VARIABLE } from './predecessor.ts';
import type { BoundSocket } from './shared-sockets.ts';

export interface HandoverOptions {
  readonly sockets: () => readonly BoundSocket[];
  /** Lets go of the store and everything that belongs to it; gives what it held in memory alone. */
  readonly release: () => Promise<MemoryContents | undefined>;
  readonly timeoutMs: number;
  /** Gives the upgrade up. */
  readonly signal: AbortSignal;
}

/** Where the state is reached from then on. */
export type RemoteBridge = Pick<
  Bridge,
  'getDocument' | 'listDocuments' | 'putDocument' | 'deleteDocument' | 'putCollection' | 'deleteCollection'
>;

/**
 * Starts the program that is on the disk now, with the arguments of this one, and hands the sockets and the store to it:
 *
 *   start ─► hello ─► sockets ─► take (this process lets go of the store) ─► serving
 *
 * Resolves when the new process serves, with the way to its state. Rejects with UPGRADE_FAILED when it does not; it has ended then, and this one must open what it released.
 */
export async function handOver({ sockets, release, timeoutMs, signal }: HandoverOptions): Promise<RemoteBridge> {
  const [program = process.execPath, ...args] = commandOf(process);
  // What it prints goes where this process prints; it must not end with the terminal's job of this one.
  const child = spawn(program, args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [TAKEOVER_VARIABLE]: '1' },
    serialization: 'advanced',
  });
  const pid = child.pid ?? 0;
  observe({ type: 'server.upgrade', state: 'started', pid });
  const serving = Promise.withResolvers<void>();
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, by) => resolve(by === null ? `it ended with ${code}` : `it was ended by ${by}`));
  });
  let version: string | undefined;
  const peer: Peer<SuccessorCalls> = createPeer<SuccessorCalls, PredecessorCalls>(child, 'the new process', {
    async hello(itsVersion) {
      version = itsVersion;
      for (const { socket, ...address } of sockets()) await peer.send(socket, 'socket', address);
    },
    take: release,
    serving: () => serving.resolve(),
    failed: (error) => serving.reject(failed(fromWireError(error).message)),
  });
  void exited.then((how) => serving.reject(failed(how)));
  const late = setTimeout(() => serving.reject(failed(`it does not serve within upgrade_timeout (${timeoutMs} ms)`)), timeoutMs);
  const onAbort = (): void => serving.reject(failed('this one ends'));
  signal.addEventListener('abort', onAbort);
  try {
    await serving.promise;
  } catch (error) {
    child.kill('SIGKILL');
    // It may hold the store until then.
    await exited;
    throw error;
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', onAbort);
  }
  observe({ type: 'server.upgrade', state: 'done', pid, ...(version !== undefined && { version }) });
  // This process ends when it likes; the other one is no part of it any more.
  child.unref();
  return {
    getDocument: (...call) => peer.call('getDocument', ...call),
    listDocuments: (...call) => peer.call('listDocuments', ...call),
    putDocument: (...call) => peer.call('putDocument', ...call),
    deleteDocument: (...call) => peer.call('deleteDocument', ...call),
    putCollection: (...call) => peer.call('putCollection', ...call),
    deleteCollection: (...call) => peer.call('deleteCollection', ...call),
  };
}

function failed(how: string): SekishoError {
  return new SekishoError('UPGRADE_FAILED', `the new process does not serve: ${how}`);
}

/** bin/sekisho says by what path it was called: a link to another version may be there now. */
function commandOf({ env, execPath, execArgv, argv }: NodeJS.Process): readonly string[] {
  const program = env['SEKISHO_BIN'];
  const [, script = '', ...words] = argv;
  return program === undefined || program === '' ? [execPath, ...execArgv, script, ...words] : [program, ...words];
}
