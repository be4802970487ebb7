import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { request } from 'node:https';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createEtcd } from '../../src/etcd/client.ts';
import type { Etcd, EtcdOptions } from '../../src/etcd/types.ts';
import { makeCertificate, type TestCertificate } from './certificates.ts';
import { ETCD, ensureInstalled, OPENSSL } from './install.ts';
import { findFreePorts } from './ports.ts';
import { asUser } from './run-as.ts';
import { createTempFolder, type TempFolder } from './temp.ts';
import { until } from './until.ts';

export interface EtcdStart {
  readonly members?: 1 | 3;
  /** Switches authentication on, with the user `root`. */
  readonly auth?: boolean;
  /** `mutual`: clients show a certificate too; that of the server will do. */
  readonly tls?: boolean | 'mutual';
  readonly quotaBytes?: number;
  readonly snapshotCount?: number;
  /** How often an idle watch is told so. Milliseconds; ten minutes by default, as etcd has it. */
  readonly progressMs?: number;
}

/** One member and its process. */
export interface EtcdMember {
  readonly name: string;
  readonly endpoint: string;
  readonly pid: number;
  /** SIGTERM; settles when it has ended. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGSTOP: its connections stay open and nothing answers. */
  pause(): void;
  resume(): void;
  /** Starts it again on the same data and ports; settles when it answers. */
  start(): Promise<void>;
}

/** A private cluster; made for one test file, and gone with it. It syncs to disk as etcd does in production. */
export interface EtcdServers extends AsyncDisposable {
  readonly endpoints: readonly string[];
  readonly members: readonly EtcdMember[];
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** The certificate that the servers show, which is its own authority. */
  readonly certificate: TestCertificate | undefined;
  /** The member that leads now. */
  leader(): Promise<EtcdMember>;
}

const ROOT = { name: 'root', password: 'root-secret' };
const TRIES = 5;
/** A member that is paused does not answer at all. */
const ANSWER_MS = 20_000;

/** Starts a cluster on free ports with its data in a temp folder. */
export async function startEtcd(options: EtcdStart = {}): Promise<EtcdServers> {
  ensureInstalled(hasTls(options) ? [ETCD, OPENSSL] : [ETCD]);
  const folder = createTempFolder('sekisho-etcd-');
  const certificate = hasTls(options) ? makeCertificate(folder.path, ['localhost', '127.0.0.1']) : undefined;
  for (let tries = 1; ; tries += 1) {
    const members = await createMembers(options, folder, certificate, `try-${tries}`);
    const isUp = await startAll(members);
    if (isUp) return await createServers(options, folder, certificate, members);
    await Promise.all(members.map((member) => member.kill()));
    if (tries === TRIES) throw new Error(`etcd ended ${TRIES} times before it answered`);
  }
}

const hasTls = ({ tls = false }: EtcdStart): boolean => tls !== false;

/** False when a process ended: another one had taken its port. */
async function startAll(members: readonly Process[]): Promise<boolean> {
  for (const member of members) member.spawn();
  const answers = async (): Promise<boolean> =>
    members.some((member) => member.hasEnded()) || (await Promise.all(members.map((member) => member.isUp()))).every(Boolean);
  await until('etcd answers', answers);
  return !members.some((member) => member.hasEnded());
}

async function createServers(
  options: EtcdStart,
  folder: TempFolder,
  certificate: TestCertificate | undefined,
  members: readonly Process[],
): Promise<EtcdServers> {
  const first = members[0];
  if (options.auth === true && first !== undefined) await enableAuth(first.endpoint, certificate);
  const credentials = options.auth === true ? ROOT : undefined;
  return {
    endpoints: members.map((member) => member.endpoint),
    members,
    username: credentials?.name,
    password: credentials?.password,
    certificate,
    async leader() {
      const isLeader = async (member: EtcdMember): Promise<boolean> => {
        const { leader, header } = await post(member.endpoint, '/v3/maintenance/status', {}, { certificate }).catch((): Answer => ({}));
        return leader !== undefined && leader === header?.member_id;
      };
      return await until('a member leads', async () => {
        const leads = await Promise.all(members.map(isLeader));
        return members[leads.indexOf(true)];
      });
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(members.map((member) => member.kill()));
      folder.remove();
    },
  };
}

interface Process extends EtcdMember {
  spawn(): void;
  hasEnded(): boolean;
  isUp(): Promise<boolean>;
}

interface Place {
  readonly name: string;
  readonly endpoint: string;
  readonly certificate: TestCertificate | undefined;
}

async function createMembers(
  options: EtcdStart,
  folder: TempFolder,
  certificate: TestCertificate | undefined,
  run: string,
): Promise<readonly Process[]> {
  const count = options.members ?? 1;
  const ports = await findFreePorts(count * 2);
  const token = randomBytes(6).toString('hex');
  const scheme = certificate === undefined ? 'http' : 'https';
  const places = Array.from({ length: count }, (_, i) => ({
    name: `${token}-${i}`,
    endpoint: `${scheme}://127.0.0.1:${ports[2 * i]}`,
    peer: `http://127.0.0.1:${ports[2 * i + 1]}`,
  }));
  const cluster = places.map(({ name, peer }) => `${name}=${peer}`).join(',');
  return places.map(({ name, endpoint, peer }) => {
    const words = [
      ['--name', name, '--data-dir', join(folder.path, run, name)],
      ['--listen-client-urls', endpoint, '--advertise-client-urls', endpoint],
      ['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
      ['--initial-cluster', cluster, '--initial-cluster-token', token, '--log-level', 'error'],
      certificate === undefined ? [] : ['--cert-file', certificate.certFile, '--key-file', certificate.keyFile],
      certificate === undefined || options.tls !== 'mutual' ? [] : ['--client-cert-auth', '--trusted-ca-file', certificate.certFile],
      options.quotaBytes === undefined ? [] : ['--quota-backend-bytes', String(options.quotaBytes)],
      options.snapshotCount === undefined ? [] : ['--snapshot-count', String(options.snapshotCount)],
      options.progressMs === undefined ? [] : ['--experimental-watch-progress-notify-interval', `${options.progressMs}ms`],
    ].flat();
    return createMember({ name, endpoint, certificate }, words, folder.path);
  });
}

function createMember({ name, endpoint, certificate }: Place, words: readonly string[], cwd: string): Process {
  let child: ChildProcess | undefined;
  const hasEnded = (): boolean => child === undefined || child.exitCode !== null || child.signalCode !== null;
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    if (child === undefined || hasEnded()) return;
    const ended = new Promise((resolve) => child?.once('exit', resolve));
    child.kill(signal);
    await ended;
  };
  const start = (): void => {
    const [command = '', ...args] = asUser(undefined, ['etcd', ...words]);
    child = spawn(command, args, { stdio: 'ignore', cwd });
  };
  const isUp = async (): Promise<boolean> => {
    const { members = [] } = await post(endpoint, '/v3/cluster/member/list', {}, { certificate }).catch((): Answer => ({}));
    if (!members.some((member) => member.name === name)) return false;
    // A linearizable read: there is a leader. With authentication it is refused, which says the same.
    const answer = await post(endpoint, '/v3/kv/range', { key: 'eA==' }, { certificate }).catch((): Answer => ({}));
    return answer.header?.revision !== undefined || answer.error?.includes('user name is empty') === true;
  };
  return {
    name,
    endpoint,
    get pid() {
      return child?.pid ?? 0;
    },
    spawn: start,
    hasEnded,
    isUp,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    pause: () => child?.kill('SIGSTOP'),
    resume: () => child?.kill('SIGCONT'),
    async start() {
      start();
      await until(`etcd answers at ${endpoint}`, isUp);
    },
  };
}

async function enableAuth(endpoint: string, certificate: TestCertificate | undefined): Promise<void> {
  const how = { certificate };
  await post(endpoint, '/v3/auth/user/add', ROOT, how);
  await post(endpoint, '/v3/auth/role/add', { name: 'root' }, how);
  await post(endpoint, '/v3/auth/user/grant', { user: ROOT.name, role: 'root' }, how);
  await post(endpoint, '/v3/auth/enable', {}, how);
}

interface Answer {
  readonly header?: { readonly member_id?: string; readonly revision?: string };
  readonly members?: readonly { readonly name?: string }[];
  readonly leader?: string;
  readonly error?: string;
  readonly token?: string;
  readonly kvs?: readonly { readonly key: string; readonly value?: string; readonly mod_revision: string }[];
}

/** A client that is closed at the end of the test, however that goes; what it observes is dropped. */
export function useEtcd(t: TestContext, options: EtcdOptions): Etcd {
  const etcd = createEtcd(options, { observe: () => undefined });
  t.after(() => etcd.close());
  return etcd;
}

/** Asks the gateway by itself, not through the client that is under test. `token` is one of authentication. */
export async function post(
  endpoint: string,
  path: string,
  body: unknown,
  { token, certificate }: { readonly token?: string | undefined; readonly certificate?: TestCertificate | undefined } = {},
): Promise<Answer> {
  const headers = token === undefined ? {} : { authorization: token };
  if (!endpoint.startsWith('https:')) {
    const signal = AbortSignal.timeout(ANSWER_MS);
    return (await (await fetch(endpoint + path, { method: 'POST', headers, body: JSON.stringify(body), signal })).json()) as Answer;
  }
  const tls = certificate === undefined ? {} : { ca: certificate.cert, cert: certificate.cert, key: certificate.key };
  return await new Promise((resolve, reject) => {
    const call = request(endpoint + path, { method: 'POST', agent: false, ...tls, headers, timeout: ANSWER_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', reject).on('end', () => resolve(JSON.parse(text) as Answer));
    });
    call.on('error', reject).on('timeout', () => call.destroy(new Error('no answer')));
    call.end(JSON.stringify(body));
  });
}
