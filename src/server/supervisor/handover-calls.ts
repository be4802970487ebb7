import type { MemoryContents } from '../../store/memory-store.ts';
import type { WireError } from '../wire-error.ts';
import type { SupervisorCalls } from '../worker/calls.ts';
import type { HandedSocket } from './shared-sockets.ts';

/** What the process that takes over asks of the one before it. */
export type PredecessorCalls = {
  /** Its settings are good: asks for the sockets, which come by `socket` before this is answered. */
  hello(version: string): void;
  /** It is about to open the store: resolves when the one before has let go of it, with what it held in memory alone. */
  take(): MemoryContents | undefined;
  /** It serves. */
  serving(): void;
  /** It can't. */
  failed(error: WireError): void;
};

/** What the process before asks of the one that takes over; workers that still finish requests reach the state through it. */
export type SuccessorCalls = {
  socket(socket: HandedSocket): void;
} & Omit<SupervisorCalls, 'eventsCommitted' | 'extensionMemory' | 'retire'>;
