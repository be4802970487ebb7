import { nearest } from '../../lib/nearest.ts';
import { CLUSTER_WORDS } from '../cluster-words.ts';
import type { CommandContext } from '../command.ts';
import { usageFailure } from '../failure.ts';
import { readSnapshot, saveDatabase, saveSnapshot } from '../snapshot-file.ts';
import { toData } from '../to-data.ts';

type Run = (context: CommandContext) => Promise<number>;
type Row = Readonly<Record<string, unknown>>;

const PATH = '/api/v1/cluster';
/** Moving a whole database, or writing it anew, takes minutes. */
const LONG_MS = 900_000;

const RUNS: Readonly<Record<(typeof CLUSTER_WORDS)[number], Run>> = {
  status,
  nodes: (context) => list(context, '/nodes', toNodeRow),
  members: (context) => list(context, '/members', toMemberRow),
  add,
  remove: (context) => onMember(context, 'DELETE', ''),
  promote: (context) => onMember(context, 'POST', '/promote'),
  defragment,
  disarm,
  snapshot,
  restore,
};

/** `cluster WORD …`: shows the nodes that share one state and the etcd that holds it, and tends that etcd. */
export async function cluster(context: CommandContext): Promise<number> {
  const [word = 'status', ...words] = context.words;
  const known = CLUSTER_WORDS.find((one) => one === word);
  if (known !== undefined) return await RUNS[known]({ ...context, words });
  const meant = nearest(word, CLUSTER_WORDS);
  throw usageFailure(`cluster: found '${word}', allowed is one of ${CLUSTER_WORDS.join(', ')}${meant ? `; did you mean ${meant}?` : ''}`);
}

async function status(context: CommandContext): Promise<number> {
  none(context);
  const state = toData(await context.call({ method: 'GET', path: PATH })) as {
    readonly nodes: readonly Row[];
    readonly etcd: { readonly members: readonly Row[]; readonly leader?: string; readonly hasQuorum: boolean };
    readonly problems: readonly string[];
  };
  const isShort = isTable(context);
  const members = state.etcd.members.map(toMemberRow);
  const shown = { nodes: state.nodes.map(toNodeRow), members, leader: state.etcd.leader ?? '', quorum: state.etcd.hasQuorum };
  await context.print(isShort ? { ...shown, problems: state.problems } : state, 'yaml');
  return state.problems.length === 0 ? 0 : 1;
}

async function list(context: CommandContext, path: string, toRow: (row: Row) => Row): Promise<number> {
  none(context);
  const rows = toData(await context.call({ method: 'GET', path: PATH + path })) as readonly Row[];
  await context.print(isTable(context) ? rows.map(toRow) : rows, 'table');
  return 0;
}

/** Unless a program is to read it all. */
function isTable({ flags }: CommandContext): boolean {
  return flags.output === undefined || flags.output === 'table';
}

function toNodeRow(node: Row): Row {
  const { id, version, revision, hash, tags, watchOnly, admin } = node;
  const workers = node['workers'] as { readonly serving: number; readonly wanted: number };
  const problems = node['problems'] as readonly string[];
  return {
    id,
    version,
    revision,
    hash: String(hash).slice(0, 12),
    workers: workers.wanted === 0 ? '-' : `${workers.serving}/${workers.wanted}`,
    tags,
    role: watchOnly === true ? 'watches' : 'changes',
    admin,
    problems: problems.join('; '),
  };
}

function toMemberRow(member: Row): Row {
  const { id, name, endpoints, isLearner, isLeader, isReachable, version, dbSizeBytes } = member;
  const role = isLearner === true ? 'learner' : isLeader === true ? 'leader' : 'follower';
  const size = typeof dbSizeBytes === 'number' ? `${(dbSizeBytes / 1048576).toFixed(1)} MiB` : '';
  return { name, id, role: isReachable === true ? role : `${isLearner === true ? 'learner, ' : ''}away`, version, size, endpoints };
}

async function add(context: CommandContext): Promise<number> {
  const { words, flags, io } = context;
  if (words.length === 0) throw usageFailure('cluster add needs the peer URL of the new member, for example http://10.0.0.4:2380');
  const peerUrls = words.flatMap((word) => word.split(','));
  const member = toData(
    await context.call({ method: 'POST', path: `${PATH}/members`, body: { peerUrls, learner: flags.learner === true } }),
  ) as Row;
  io.err('now start its etcd with --initial-cluster-state existing, and the other members in --initial-cluster\n');
  await context.print(member, 'yaml');
  return 0;
}

async function onMember(context: CommandContext, method: string, path: string): Promise<number> {
  const [member, ...more] = context.words;
  if (member === undefined || more.length > 0) throw usageFailure('expected one member, by name or id; sekisho cluster members lists them');
  await context.call({ method, path: `${PATH}/members/${encodeURIComponent(member)}${path}` });
  return 0;
}

async function defragment(context: CommandContext): Promise<number> {
  const [member, ...more] = context.words;
  if (more.length > 0) throw usageFailure('expected at most one member, by name or id');
  const answer = await context.call({ method: 'POST', path: `${PATH}/defragment`, query: { member }, timeoutMs: LONG_MS });
  await context.print(toData(answer), 'table');
  return 0;
}

async function disarm(context: CommandContext): Promise<number> {
  none(context);
  await context.print(toData(await context.call({ method: 'POST', path: `${PATH}/disarm` })), 'table');
  return 0;
}

async function snapshot(context: CommandContext): Promise<number> {
  const file = oneFile(context, 'to write');
  const isDatabase = context.flags.etcd === true;
  const bytes = isDatabase ? await saveDatabase(context, file, LONG_MS) : await saveSnapshot(context, file, LONG_MS);
  context.io.err(`${file}: ${bytes} bytes\n`);
  return 0;
}

async function restore(context: CommandContext): Promise<number> {
  const body = readSnapshot(context, oneFile(context, 'that sekisho cluster snapshot wrote'));
  const query = context.flags['dry-run'] === true ? { dry_run: 'true' } : {};
  const answer = await context.call({ method: 'POST', path: `${PATH}/restore`, query, body, timeoutMs: LONG_MS });
  await context.print(toData(answer), 'yaml');
  return 0;
}

function oneFile({ words }: CommandContext, what: string): string {
  const [file, ...more] = words;
  if (file === undefined || more.length > 0) throw usageFailure(`expected one file ${what}`);
  return file;
}

function none({ words }: CommandContext): void {
  if (words.length > 0) throw usageFailure(`too many words: ${words.join(' ')}`);
}
