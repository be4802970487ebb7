import type { KeyValue } from '../etcd/types.ts';
import type { FleetNode } from './types.ts';

/** What the keys of all nodes begin with. */
export function toNodesPrefix(prefix: string): string {
  return `${prefix}/nodes/`;
}

/** The key of one node. */
export function toNodeKey(prefix: string, id: string): string {
  return toNodesPrefix(prefix) + encodeURIComponent(id);
}

const UNKNOWN = { version: '', proxy: [], tags: [], watchOnly: false, revision: 0, hash: '', rejected: 0, startedAt: '' };

/** The node that a key tells of. What another version wrote may lack fields; of a value that is none only the id is known. */
export function parseNode({ key, value }: KeyValue): FleetNode {
  const id = decode(key.slice(key.lastIndexOf('/') + 1));
  const known = parseObject(value.toString());
  if (known === undefined)
    return { ...UNKNOWN, id, workers: { serving: 0, wanted: 0 }, problems: ['what it says about itself is unreadable'] };
  return { ...UNKNOWN, workers: { serving: 0, wanted: 0 }, problems: [], ...known, id };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function parseObject(text: string): Partial<FleetNode> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
