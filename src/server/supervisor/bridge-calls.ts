import type { Handlers } from '../peer.ts';
import type { SupervisorCalls } from '../worker/calls.ts';
import type { RemoteBridge } from './handover.ts';

export type BridgeCalls = Omit<Handlers<SupervisorCalls>, 'eventsCommitted' | 'extensionMemory' | 'retire'>;

/** Answers what module code of another process asks of the gateway's state. `bridge` may take a while: a process that takes over opens the store first. */
export function toBridgeCalls(bridge: () => Promise<RemoteBridge>): BridgeCalls {
  return {
    getDocument: async (namespace, collection, id) => await (await bridge()).getDocument(namespace, collection, id),
    listDocuments: async (namespace, collection, limit, offset) =>
      await (await bridge()).listDocuments(namespace, collection, limit, offset),
    putDocument: async (namespace, collection, id, data) => await (await bridge()).putDocument(namespace, collection, id, data),
    deleteDocument: async (namespace, collection, id) => await (await bridge()).deleteDocument(namespace, collection, id),
    putCollection: async (namespace, collection) => await (await bridge()).putCollection(namespace, collection),
    deleteCollection: async (namespace, name) => await (await bridge()).deleteCollection(namespace, name),
  };
}
