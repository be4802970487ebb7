import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { ensureInstalled, type Requirement } from './install.ts';
import { asUser, findUser } from './run-as.ts';
import { startOnFreePort } from './start-on-free-port.ts';
import { createTempFolder } from './temp.ts';
import { until } from './until.ts';

/** A private PostgreSQL server on a free port; made for one test file, and gone with it. */
export interface PostgresServer {
  /** Makes an empty database and gives its URL. */
  createDatabase(): Promise<string>;
  /** Ends it, at once as a crash does, or with the shutdown that an operator asks for; nobody answers until `start`. */
  halt(signal: 'SIGQUIT' | 'SIGKILL' | 'SIGINT'): Promise<void>;
  /** Starts it again on the same port; settles when it answers. */
  start(): Promise<void>;
  /** Both; by default as after a crash. */
  restart(signal?: 'SIGQUIT' | 'SIGKILL'): Promise<void>;
  stop(): Promise<void>;
}

export const POSTGRES_SERVER: Requirement = {
  name: 'PostgreSQL',
  packages: ['postgresql'],
  isPresent: () => findPrograms() !== undefined,
};

/** Starts a server with its data in a temp folder and without waiting for the disk; `settings` (`name=value`) are added to those of tests. */
export async function startPostgres(more: readonly string[] = []): Promise<PostgresServer> {
  ensureInstalled([POSTGRES_SERVER]);
  const programs = findPrograms() ?? '';
  const folder = createTempFolder('sekisho-pg-');
  const user = findUser('postgres');
  if (user !== undefined) chownSync(folder.path, user.uid, user.gid);
  const data = join(folder.path, 'data');
  const init = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
  const [command, ...args] = asUser(user, [join(programs, 'initdb'), ...init]);
  execFileSync(command ?? '', args, { stdio: ['ignore', 'ignore', 'inherit'], cwd: folder.path });
  const settings = [
    'fsync=off',
    'full_page_writes=off',
    'deadlock_timeout=50ms',
    'max_connections=60',
    `unix_socket_directories=${folder.path}`,
    ...more,
  ].flatMap((setting) => ['-c', setting]);
  const toUrl = (port: number, database: string): string => `postgres://postgres@127.0.0.1:${port}/${database}`;
  const startAt = (at: number): ChildProcess =>
    startServer(asUser(user, [join(programs, 'postgres'), '-D', data, '-h', '127.0.0.1', '-p', String(at), ...settings]), folder.path);
  const isOurs = async (at: number): Promise<boolean> => (await ask(toUrl(at, 'postgres'), 'SHOW data_directory')) === data;
  const started = await startOnFreePort('PostgreSQL', { start: startAt, isOurs });
  const { port } = started;
  let { process } = started;
  const url = (database: string): string => toUrl(port, database);
  const start = async (): Promise<void> => {
    // One that was killed leaves a file that its successor finds to be stale once its children are gone.
    await until('PostgreSQL is up again', async () => {
      if (process.exitCode !== null || process.signalCode !== null) process = startAt(port);
      return await isOurs(port);
    });
  };
  let count = 0;
  return {
    async createDatabase() {
      count += 1;
      await ask(url('postgres'), `CREATE DATABASE test_${count}`);
      return url(`test_${count}`);
    },
    halt: (signal) => stopServer(process, signal),
    start,
    async restart(signal = 'SIGQUIT') {
      await stopServer(process, signal);
      await start();
    },
    async stop() {
      await stopServer(process, 'SIGQUIT');
      folder.remove();
    },
  };
}

function startServer(words: readonly string[], cwd: string): ChildProcess {
  return spawn(words[0] ?? '', words.slice(1), { stdio: 'ignore', cwd });
}

/** Ends a server by its own process id and waits for its end. */
export async function stopServer(process: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  const ended = new Promise((resolve) => process.once('exit', resolve));
  process.kill(signal);
  await ended;
}

/** The folder of the server programs, which Debian keeps out of PATH. */
function findPrograms(): string | undefined {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).toSorted((a, b) => Number(b) - Number(a)) : [];
  return versions.map((version) => join(root, version, 'bin')).find((folder) => existsSync(join(folder, 'initdb')));
}

/** Whether a client heard that of a server that starts or ends: nobody listens, a connection that broke, `cannot_connect_now`, `admin_shutdown`. */
function isNobody(error: Error): boolean {
  const code = 'code' in error ? String(error.code) : '';
  return ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', '57P01', '57P02', '57P03'].includes(code) || /terminated/.test(error.message);
}

/** The first value that a statement gives; undefined when nobody answers. */
async function ask(url: string, text: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    const { rows } = await client.query<unknown[]>({ text, rowMode: 'array' });
    return rows[0]?.[0];
  } catch (error) {
    if (error instanceof Error && isNobody(error)) return undefined;
    throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
}
