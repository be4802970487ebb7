import { SekishoError } from '../lib/errors.ts';
import type { ModuleCache } from './cache.ts';
import type { Bridge } from './types.ts';

/** The bodies of the request that a call is about. */
export interface CallBodies {
  readRequestBody(): Promise<Buffer>;
  readUpstreamBody(): Promise<Buffer>;
}

/** Where the calls of one program go. Documents travel as JSON text: the thread cannot make the gateway clone hostile objects. */
export interface CallTarget {
  readonly namespace: string;
  readonly bridge: Bridge;
  readonly cache: ModuleCache;
}

type HostCall = (target: CallTarget, args: readonly unknown[], bodies: CallBodies | undefined) => Promise<unknown>;

const json = (value: unknown): string | undefined => (value === undefined ? undefined : JSON.stringify(value));

/** Everything that a thread may ask of the gateway, by name. The namespace is always the program's. */
const HOST_CALLS: Readonly<Record<string, HostCall>> = {
  readRequestBody: async (_target, _args, bodies) => copy(await need(bodies).readRequestBody()),
  readUpstreamBody: async (_target, _args, bodies) => copy(await need(bodies).readUpstreamBody()),
  getCollection: async ({ bridge, namespace }, [name]) => json(await collection(bridge, namespace, String(name))),
  getDocument: async ({ bridge, namespace }, [name, id]) => {
    await collection(bridge, namespace, String(name));
    return json(await bridge.getDocument(namespace, String(name), String(id)));
  },
  listDocuments: async ({ bridge, namespace }, [name, limit, offset]) => {
    await collection(bridge, namespace, String(name));
    return json(await bridge.listDocuments(namespace, String(name), count(limit, 'limit'), count(offset, 'offset')));
  },
  putDocument: async ({ bridge, namespace }, [name, id, data]) => {
    await collection(bridge, namespace, String(name));
    return json(await bridge.putDocument(namespace, String(name), String(id), JSON.parse(String(data))));
  },
  deleteDocument: async ({ bridge, namespace }, [name, id]) => {
    await collection(bridge, namespace, String(name));
    return await bridge.deleteDocument(namespace, String(name), String(id));
  },
  putCollection: async ({ bridge, namespace }, [text]) => {
    const value = JSON.parse(String(text)) as { readonly name: string };
    await bridge.putCollection(namespace, value);
  },
  deleteCollection: async ({ bridge, namespace }, [name]) => await bridge.deleteCollection(namespace, String(name)),
  getSecret: async ({ bridge, namespace }, [name]) => await bridge.getSecret(namespace, String(name)),
  getCache: async ({ cache, namespace }, [key]) => cache.get(namespace, String(key)),
  setCache: async ({ cache, namespace }, [key, bytes, ttlMs]) => {
    if (bytes instanceof Uint8Array) cache.set(namespace, String(key), bytes, Number(ttlMs));
  },
};

/** Does one call of a thread; rejects with what the module is to see. */
export async function hostCall(
  name: string,
  target: CallTarget,
  args: readonly unknown[],
  bodies: CallBodies | undefined,
): Promise<unknown> {
  const call = Object.hasOwn(HOST_CALLS, name) ? HOST_CALLS[name] : undefined;
  if (call === undefined) throw new SekishoError('MODULE_FAILED', `there is no host call ${name}`);
  return await call(target, args, bodies);
}

/** Code and message of a failed host call. What is no SekishoError is told by its message alone: module code is the operator's own. */
export function callError(error: unknown): readonly [string, string] {
  if (error instanceof SekishoError) return [error.code, error.message];
  return ['INTERNAL', error instanceof Error ? error.message : 'the host call failed'];
}

async function collection(bridge: Bridge, namespace: string, name: string): Promise<unknown> {
  const found = await bridge.getCollection(namespace, name);
  if (found === undefined) throw new SekishoError('ENTITY_NOT_FOUND', `collection not found: ${name}`);
  return found;
}

function need(bodies: CallBodies | undefined): CallBodies {
  if (bodies === undefined) throw new SekishoError('MODULE_FAILED', 'the request is over; its body cannot be read any more');
  return bodies;
}

function count(value: unknown, name: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 0) throw new SekishoError('MODULE_FAILED', `${name} must be an integer from 0`);
  return number;
}

/** Bytes of their own: posting a Buffer would clone the whole pool it lies in. */
function copy(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes);
}
