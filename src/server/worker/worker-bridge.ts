import { toNodeEntities } from '../../entity/node-entities.ts';
import type { Entities } from '../../entity/types.ts';
import { SekishoError } from '../../lib/errors.ts';
import type { Bridge } from '../../runtime/types.ts';
import type { Peer } from '../peer.ts';
import type { SupervisorCalls } from './calls.ts';

/** Joins module code of a worker to the gateway's state: what the worker serves from is read here, everything else is asked of the supervisor. */
export function createWorkerBridge(
  supervisor: () => Peer<SupervisorCalls> | undefined,
  served: () => Entities,
  nodeTags: readonly string[],
): Bridge {
  const entities = (): Entities => toNodeEntities(served(), nodeTags).entities;
  const ask = (): Peer<SupervisorCalls> => {
    const peer = supervisor();
    if (peer === undefined) throw new SekishoError('NOT_READY', 'the worker has no supervisor');
    return peer;
  };
  return {
    getDocument: async (...args) => await ask().call('getDocument', ...args),
    listDocuments: async (...args) => await ask().call('listDocuments', ...args),
    putDocument: async (...args) => await ask().call('putDocument', ...args),
    deleteDocument: async (...args) => await ask().call('deleteDocument', ...args),
    putCollection: async (...args) => await ask().call('putCollection', ...args),
    deleteCollection: async (...args) => await ask().call('deleteCollection', ...args),
    async getCollection(namespace, name) {
      return entities().collection.get(`${namespace}/${name}`);
    },
    async getSecret(namespace, name) {
      return entities().secret.get(`${namespace}/${name}`)?.data;
    },
  };
}
