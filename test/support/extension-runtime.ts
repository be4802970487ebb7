import { createExtensions, type ExtensionsOptions } from '../../src/extension/extensions.ts';
import type {
  EnvironmentSource,
  EventOutcome,
  ExtensionCode,
  ExtensionLimits,
  ExtensionRequest,
  Extensions,
  Fields,
} from '../../src/extension/types.ts';
import { PATIENCE_MS } from './until.ts';

/** Limits that suit tests. */
const TEST_LIMITS: ExtensionLimits = {
  timeoutMs: PATIENCE_MS,
  timeouts: [],
  exclusiveThreads: 2,
  sharedThreads: 1,
  maxQueue: 1000,
  heapLimitBytes: 64 * 2 ** 20,
  rssLimitBytes: 256 * 2 ** 20,
  syncTimeoutMs: PATIENCE_MS,
  quarantineKills: 1000,
  quarantineWindowMs: 60_000,
};

/** A script of Gohan's kind, as if it stood in `/schemas/s.yaml`. */
export function script(code: string, id = 'script'): ExtensionCode {
  return { id, style: 'gohan', code, file: undefined, place: '/schemas/s.yaml:1:1' };
}

/** A TypeScript module, as if it stood in `/schemas/s.yaml`. */
export function moduleCode(code: string, id = 'module'): ExtensionCode {
  return { id, style: 'module', code, file: undefined, place: '/schemas/s.yaml:1:1' };
}

/** An environment of these extensions for the schema of that name. */
export function environment(name: string, ...extensions: readonly ExtensionCode[]): EnvironmentSource {
  return { name, url: `/v1.0/${name}s`, extensions };
}

/** Loaded extensions; calls while they load fail. Ends with `close()`. */
export function loadExtensions(
  environments: readonly EnvironmentSource[],
  limits: Partial<ExtensionLimits> = {},
  options: Partial<ExtensionsOptions> = {},
): Promise<Extensions> {
  return createExtensions({
    environments,
    limits: { ...TEST_LIMITS, ...limits },
    call: (name) => Promise.reject(new Error(`${name} while loading`)),
    ...options,
  });
}

/** A request whose calls fail, where nothing else is said. */
export function extensionRequest(name: string, changes: Partial<ExtensionRequest> = {}): ExtensionRequest {
  return { id: 'req-1', environment: name, call: (call) => Promise.reject(new Error(`${call} is not expected`)), ...changes };
}

/** Runs one event as a request of its own. */
export async function runEvent(
  extensions: Extensions,
  name: string,
  event: string,
  fields: Fields = {},
  changes: Partial<ExtensionRequest> = {},
): Promise<EventOutcome> {
  const call = extensions.begin(extensionRequest(name, changes));
  try {
    return await call.run(name, event, fields);
  } finally {
    call.end();
  }
}
