import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { ensureInstalled, type Requirement } from './install.ts';
import { stopServer } from './postgres.ts';
import { asUser, findUser } from './run-as.ts';
import { startOnFreePort } from './start-on-free-port.ts';
import { createTempFolder } from './temp.ts';
import { PATIENCE_MS, until } from './until.ts';

/** A private MariaDB server on a free port; made for one test file, and gone with it. */
export interface MariadbServer {
  /** Makes an empty database and gives its URL. */
  createDatabase(): Promise<string>;
  /** Ends it, at once or with the shutdown that an operator asks for; nobody answers until `start`. */
  halt(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Starts it again on the same port; settles when it answers. */
  start(): Promise<void>;
  /** Kills it and starts it again. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const SERVER = '/usr/sbin/mariadbd';

/** What a client hears while a server starts or ends. */
const NOBODY = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'PROTOCOL_CONNECTION_LOST', 'ER_SERVER_SHUTDOWN']);

export const MARIADB_SERVER: Requirement = { name: 'MariaDB', packages: ['mariadb-server'], isPresent: () => existsSync(SERVER) };

/** Starts a server with its data in a temp folder and without waiting for the disk; `more` are options of it. Root has no password. */
export async function startMariadb(more: readonly string[] = []): Promise<MariadbServer> {
  ensureInstalled([MARIADB_SERVER]);
  const folder = createTempFolder('sekisho-my-');
  const user = findUser('mysql');
  if (user !== undefined) chownSync(folder.path, user.uid, user.gid);
  const data = join(folder.path, 'data');
  const init = [
    '--no-defaults',
    `--datadir=${data}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    '--innodb-fast-shutdown=0',
  ];
  const [command, ...args] = asUser(user, ['mariadb-install-db', ...init]);
  installTables(command ?? '', args, folder.path);
  const options = [
    '--no-defaults',
    `--datadir=${data}`,
    `--socket=${join(folder.path, 'socket')}`,
    `--pid-file=${join(folder.path, 'pid')}`,
    `--tmpdir=${folder.path}`,
    '--bind-address=127.0.0.1',
    '--innodb-flush-log-at-trx-commit=0',
    '--innodb-flush-method=nosync',
    '--innodb-buffer-pool-size=32M',
    '--innodb-lock-wait-timeout=30',
    '--max-connections=60',
    ...more,
  ];
  const startAt = (at: number): ChildProcess => {
    const words = asUser(user, [SERVER, ...options, `--port=${at}`]);
    return spawn(words[0] ?? '', words.slice(1), { stdio: 'ignore', cwd: folder.path });
  };
  const isOurs = async (at: number): Promise<boolean> => (await ask(at, 'SELECT @@datadir')) === `${data}/`;
  const started = await startOnFreePort('MariaDB', { start: startAt, isOurs });
  const { port } = started;
  let { process } = started;
  const start = async (): Promise<void> => {
    process = startAt(port);
    await until('MariaDB is up again', () => isOurs(port));
  };
  let count = 0;
  return {
    async createDatabase() {
      count += 1;
      await ask(port, `CREATE DATABASE test_${count}`);
      return `mysql://root@127.0.0.1:${port}/test_${count}`;
    },
    halt: (signal) => stopServer(process, signal),
    start,
    async restart() {
      await stopServer(process, 'SIGKILL');
      await start();
    },
    async stop() {
      await stopServer(process, 'SIGKILL');
      folder.remove();
    },
  };
}

/** The first value that a statement gives; undefined when nobody answers. */
async function ask(port: number, text: string): Promise<unknown> {
  try {
    const connection = await createConnection({ host: '127.0.0.1', port, user: 'root', connectTimeout: PATIENCE_MS });
    const [rows] = await connection.query({ sql: text, rowsAsArray: true });
    await connection.end();
    return Array.isArray(rows) && Array.isArray(rows[0]) ? rows[0][0] : undefined;
  } catch (error) {
    if (error instanceof Error && 'code' in error && NOBODY.has(String(error.code))) return undefined;
    throw error;
  }
}

/** Runs Debian's script. A server that starts removes the temporary tables of all others in its folder for them, which is /tmp unless it is told. */
function installTables(command: string, args: readonly string[], cwd: string): void {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', env: { ...process.env, TMPDIR: cwd } });
  if (status !== 0) throw new Error(`mariadb-install-db ended with ${status}: ${stderr}${stdout}`);
}
