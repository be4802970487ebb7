import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Answer, ask } from './client.ts';
import { findFreePorts } from './ports.ts';
import { createTempFolder } from './temp.ts';
import { PATIENCE_MS, until } from './until.ts';

/** The repository's `bin/sekisho`. */
export const SEKISHO_BIN = fileURLToPath(new URL('../../bin/sekisho', import.meta.url));

export interface GatewayOptions {
  /**
   * A whole configuration file as text, in which `${PROXY_PORT}`, `${ADMIN_PORT}`, `${TLS_PORT}` and `${ECHO_PORT}` are free ports;
   * or an object that is merged over a small default (version, one process, memory store, proxy and admin on those ports, patience with synchronous code). With `pid_file: ./sekisho.pid` signals
   * go to the process that has taken over last.
   */
  readonly config?: string | Readonly<Record<string, unknown>>;
  /** Further files of the folder in which the gateway runs, by relative path. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly env?: Readonly<Record<string, string>>;
  /** What to run instead of `bin/sekisho`, e.g. `['taskset', '-c', '0', SEKISHO_BIN]`. */
  readonly command?: readonly string[];
  readonly readyTimeoutMs?: number;
}

export interface GatewayPorts {
  readonly proxy: number;
  readonly admin: number;
  readonly tls: number;
  readonly echo: number;
}

/** A running `sekisho start` in a temp folder of its own. `await using` stops it and removes the folder. */
export interface Gateway extends AsyncDisposable {
  readonly proxyUrl: string;
  readonly adminUrl: string;
  readonly ports: GatewayPorts;
  /** The folder of sekisho.yaml, the files and the state. */
  readonly folder: string;
  pid(): number;
  /** Calls the admin API, e.g. `admin('PUT', '/api/v1/service', {…})`. */
  admin(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Like `admin`, but throws unless the answer is 2xx: for setting things up. */
  put(kind: string, entity: Readonly<Record<string, unknown>>): Promise<Answer>;
  /** Writes or replaces a file of the folder. */
  write(name: string, content: string | Uint8Array): string;
  /** All that it printed so far, over all starts. */
  log(): string;
  /** SIGTERM, then waits for the end; gives the exit code (null after a signal). Does nothing when it has ended. */
  stop(): Promise<number | null>;
  /** SIGKILL, then waits for the end. The folder stays for `restart`. */
  kill(): Promise<void>;
  /** Stops it if it runs, then starts again on the same folder and ports; waits for readyz. */
  restart(): Promise<void>;
}

/** Starts a gateway and waits until it is ready. Rejects with its output when it ends first or is not ready in time. */
export async function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  for (let attempt = 1; ; attempt += 1) {
    const gateway = await prepare(options);
    try {
      await gateway.restart();
      return gateway;
    } catch (error) {
      await gateway[Symbol.asyncDispose]();
      // Between picking a port and listening on it another test may have taken it.
      if (attempt === 3 || !/in use|EADDRINUSE/.test(String(error))) throw error;
    }
  }
}

async function prepare(options: GatewayOptions): Promise<Gateway> {
  const [proxy = 0, admin = 0, tls = 0, echo = 0] = await findFreePorts(4);
  const ports = { proxy, admin, tls, echo };
  const folder = createTempFolder();
  const file = folder.write('sekisho.yaml', toConfigText(options.config ?? {}, ports));
  for (const [name, content] of Object.entries(options.files ?? {})) folder.write(name, content);
  const [program = SEKISHO_BIN, ...args] = options.command ?? [SEKISHO_BIN];
  const env = { ...process.env, PROXY_PORT: `${proxy}`, ADMIN_PORT: `${admin}`, TLS_PORT: `${tls}`, ECHO_PORT: `${echo}`, ...options.env };
  const adminUrl = `http://127.0.0.1:${admin}`;
  let child: ChildProcess | undefined;
  let ended: Promise<number | null> = Promise.resolve(null);
  let output = '';

  const livePid = (): number => {
    const own = child === undefined || child.exitCode !== null || child.signalCode !== null ? 0 : (child.pid ?? 0);
    if (child === undefined) return 0;
    try {
      const successor = Number(readFileSync(join(folder.path, 'sekisho.pid'), 'utf8'));
      process.kill(successor, 0);
      return successor;
    } catch {
      return own;
    }
  };
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    const pid = livePid();
    if (pid > 0) process.kill(pid, signal);
    const hardStop = setTimeout(() => (child?.kill('SIGKILL'), pid > 0 && process.kill(pid, 'SIGKILL')), PATIENCE_MS);
    const code = await ended.catch(() => null);
    clearTimeout(hardStop);
    child = undefined;
    return code;
  };
  const callAdmin: Gateway['admin'] = (method, path, body, headers = {}) => ask(adminUrl + path, { method, body, headers });

  return {
    proxyUrl: `http://127.0.0.1:${proxy}`,
    adminUrl,
    ports,
    folder: folder.path,
    pid: livePid,
    admin: callAdmin,
    async put(kind, entity) {
      const answer = await callAdmin('PUT', `/api/v1/${kind}`, entity);
      if (answer.status >= 300) throw new Error(`PUT ${kind}: ${answer.status} ${answer.text}`);
      return answer;
    },
    write: folder.write,
    log: () => output,
    stop: () => end('SIGTERM'),
    kill: async () => void (await end('SIGKILL')),
    async restart() {
      await end('SIGTERM');
      const started = spawn(program, [...args, 'start', '-c', file], { cwd: folder.path, env, stdio: ['ignore', 'pipe', 'pipe'] });
      child = started;
      ended = new Promise((resolve, reject) => {
        started.once('error', reject);
        started.once('close', resolve);
      });
      for (const stream of [started.stdout, started.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
      await waitUntilReady(adminUrl, ended, () => output, options.readyTimeoutMs ?? 1.5 * PATIENCE_MS);
    },
    async [Symbol.asyncDispose]() {
      await end('SIGTERM');
      folder.remove();
    },
  };
}

async function waitUntilReady(adminUrl: string, ended: Promise<number | null>, log: () => string, timeoutMs: number): Promise<void> {
  let code: number | null | undefined;
  void ended.then((exitCode) => (code = exitCode)).catch(() => (code = null));
  await until(
    'the gateway is ready',
    async () => {
      if (code !== undefined) throw new Error(`the gateway ended with ${code}:\n${log()}`);
      const answer = await ask(`${adminUrl}/readyz`, { timeoutMs: 10_000 }).catch(() => undefined);
      return answer !== undefined && answer.status !== 503;
    },
    timeoutMs,
  ).catch((error: Error) => {
    throw new Error(`${error.message}\n${log()}`);
  });
}

/** Code that a busy machine does not get round to is not taken for code that blocks its thread. */
export const SYNC_TIMEOUTS = { modules: { sync_timeout: '30s' }, extension: { sync_timeout: '30s' } };

function toConfigText(config: string | Readonly<Record<string, unknown>>, ports: GatewayPorts): string {
  if (typeof config === 'string') return config;
  const defaults = {
    version: 'v1',
    workers: 0,
    storage: { type: 'memory' },
    proxy: { host: '127.0.0.1', port: ports.proxy },
    admin: { host: '127.0.0.1', port: ports.admin },
    ...SYNC_TIMEOUTS,
  };
  return JSON.stringify(merge(defaults, config), undefined, 2);
}

function merge(base: Readonly<Record<string, unknown>>, over: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const before = merged[key];
    merged[key] = isObject(before) && isObject(value) ? merge(before, value) : value;
  }
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
