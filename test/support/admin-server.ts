import { type AdminApi, createAdminApi } from '../../src/admin/admin-api.ts';
import type { AdminOptions, AdminState } from '../../src/admin/types.ts';
import { createFrontend } from '../../src/http/frontend.ts';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import { createRegistry } from '../../src/store/registry.ts';
import { type Answer, ask } from './client.ts';

/** The admin API alone, on a free port, over a state in memory: no proxy behind it. */
export interface AdminServer extends AsyncDisposable {
  readonly port: number;
  readonly api: AdminApi;
  readonly state: AdminState;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string | string[]>): Promise<Answer>;
}

/** Starts it; `options` replace the defaults (no credentials, no allow list, 1 MiB of body). */
export async function startAdmin(options: Partial<AdminOptions> = {}): Promise<AdminServer> {
  const state = options.state ?? (await createMemoryState());
  const api = createAdminApi({
    state,
    auth: { method: 'none' },
    version: '0.0.0-test',
    phase: () => 'ready',
    allowList: [],
    forwardedForDepth: -1,
    allowedHosts: [],
    listenHost: '127.0.0.1',
    maxBodyBytes: 1_048_576,
    disableDefaultNamespace: false,
    debug: false,
    watchOnly: false,
    ...options,
  });
  const frontend = createFrontend({ limits: LIMITS, onExchange: api.handle });
  const { port } = await frontend.listen({ host: '127.0.0.1', port: 0, name: 'admin', setting: 'admin.port', http2: false, h2c: false });
  return {
    port,
    api,
    state,
    call: (method, path, body, headers = {}) =>
      ask(`http://127.0.0.1:${port}${path}`, { method, headers, ...(body !== undefined && { body }) }),
    async [Symbol.asyncDispose]() {
      frontend.close();
      await api.close();
    },
  };
}

const LIMITS = {
  maxTargetBytes: 8192,
  maxHeaderBytes: 16_384,
  maxHeaders: 128,
  headerTimeoutMs: 60_000,
  bodyStartTimeoutMs: 60_000,
  bodyIdleTimeoutMs: 60_000,
  requestTimeoutMs: 60_000,
  idleTimeoutMs: 60_000,
  maxConnections: 100,
  maxInFlight: 100,
};

/** The real registry over a store in memory; nothing is built from it. */
export function createMemoryState(): Promise<AdminState> {
  return createRegistry({ store: createMemoryStore(), build: async () => undefined, swap: () => undefined });
}
