import { VERSION } from '../../lib/version.ts';
import type { MemoryContents } from '../../store/memory-store.ts';
import { createPeer } from '../peer.ts';
import { toWireError } from '../wire-error.ts';
import { type BridgeCalls, toBridgeCalls } from './bridge-calls.ts';
import type { RemoteBridge } from './handover.ts';
import type { PredecessorCalls, SuccessorCalls } from './handover-calls.ts';
import type { BoundSocket } from './shared-sockets.ts';

/** Set for a process that is to take over from the one that started it. */
export const TAKEOVER_VARIABLE = 'SEKISHO_TAKEOVER';

/** The process that this one takes over from. */
export interface Predecessor {
  /** Its sockets; connections that wait in them are not lost. */
  sockets(): Promise<readonly BoundSocket[]>;
  /** Resolves when it has let go of the store; with what a store in memory held. */
  take(): Promise<MemoryContents | undefined>;
  /** Its workers ask for documents here until they have ended. */
  answer(bridge: () => Promise<RemoteBridge>): void;
  /** This process serves: the other one may end. */
  serving(): Promise<void>;
  /** This process does not come up: the other one serves on. */
  fail(error: unknown): Promise<void>;
}

export function isSuccessor({ env, send }: NodeJS.Process): boolean {
  return env[TAKEOVER_VARIABLE] === '1' && send !== undefined;
}

/** Joins the process that started this one. When it is gone meanwhile, this one comes up all the same. */
export function joinPredecessor(port: NodeJS.Process): Predecessor {
  // Processes that this one starts take nothing over.
  delete port.env[TAKEOVER_VARIABLE];
  const sockets: BoundSocket[] = [];
  let bridge: (() => Promise<RemoteBridge>) | undefined;
  const bridgeCalls: BridgeCalls = toBridgeCalls(async () => {
    if (bridge === undefined) throw new Error('asked for the state before it was taken');
    return await bridge();
  });
  const peer = createPeer<PredecessorCalls, SuccessorCalls>(port, 'the process before', {
    ...bridgeCalls,
    socket(address, socket) {
      if (socket !== undefined) sockets.push({ ...address, socket });
    },
  });
  let isGone = false;
  peer.onGone(() => (isGone = true));
  const ifThere = async <T>(ask: Promise<T>): Promise<T | undefined> => {
    try {
      return await ask;
    } catch (error) {
      if (isGone) return undefined;
      throw error;
    }
  };
  return {
    async sockets() {
      await ifThere(peer.call('hello', VERSION));
      return sockets;
    },
    take: async () => await ifThere(peer.call('take')),
    answer: (from) => void (bridge = from),
    async serving() {
      await ifThere(peer.call('serving'));
    },
    async fail(why) {
      await Promise.allSettled([peer.call('failed', toWireError(why))]);
    },
  };
}
