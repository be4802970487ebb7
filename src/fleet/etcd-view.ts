import type { Alarm, EtcdCluster, Member, MemberStatus } from '../etcd/types.ts';
import { toSekishoError } from '../lib/errors.ts';
import type { EtcdMemberView, EtcdView } from './types.ts';

/** Below this a database is not worth defragmenting. */
const LARGE_BYTES = 64 * 1024 * 1024;

/** Asks every member how it is. Never rejects: what can't be asked is a problem that the view tells. */
export async function readEtcdView(cluster: EtcdCluster): Promise<EtcdView> {
  const problems: string[] = [];
  const ask = async <T>(what: string, question: Promise<readonly T[]>): Promise<readonly T[]> => {
    try {
      return await question;
    } catch (error) {
      problems.push(`${what}: ${toSekishoError(error).message}`);
      return [];
    }
  };
  const [members, status, alarms] = await Promise.all([
    ask<Member>('the members are not known', cluster.members()),
    cluster.status(),
    ask<Alarm>('the alarms are not known', cluster.alarms()),
  ]);
  const views = toMembers(members, status);
  const leader = views.find(({ isLeader }) => isLeader);
  const voters = views.filter(({ isLearner }) => !isLearner);
  const hasQuorum = leader !== undefined && voters.filter(({ isReachable }) => isReachable).length * 2 > voters.length;
  if (!hasQuorum) problems.push('etcd has no quorum: changes can not be stored until more than half of its members answer');
  for (const member of views) problems.push(...toProblems(member));
  const shownAlarms = alarms.map(({ memberId, alarm }) => ({ member: nameOf(views, memberId), alarm }));
  for (const { member, alarm } of shownAlarms) problems.push(`etcd member ${member} raised the alarm ${alarm}`);
  return { members: views, ...(leader !== undefined && { leader: leader.name }), hasQuorum, alarms: shownAlarms, problems };
}

function toMembers(members: readonly Member[], status: readonly MemberStatus[]): readonly EtcdMemberView[] {
  const isOf = (row: MemberStatus, { id, clientUrls }: Member): boolean =>
    row.memberId === undefined ? clientUrls.some((url) => url.replace(/\/$/, '') === row.endpoint) : row.memberId === id;
  const known = members.map((member) =>
    toView(
      member,
      status.filter((row) => isOf(row, member)),
    ),
  );
  // Endpoints of the configuration whose member nobody could name.
  const rest = members.length > 0 ? [] : status.map((row) => toView(undefined, [row]));
  return [...known, ...rest];
}

function toView(member: Member | undefined, rows: readonly MemberStatus[]): EtcdMemberView {
  const row = rows.find(({ reachable }) => reachable) ?? rows[0];
  const id = member?.id ?? row?.memberId ?? '';
  const isReachable = row?.reachable === true;
  const { version, dbSizeBytes, dbInUseBytes, raftTerm, raftIndex } = row ?? {};
  return {
    id,
    name: member?.name || row?.endpoint || id,
    endpoints: member?.clientUrls ?? rows.map(({ endpoint }) => endpoint),
    peerUrls: member?.peerUrls ?? [],
    isLearner: member?.isLearner ?? row?.isLearner ?? false,
    isLeader: isReachable && id !== '' && row.leaderId === id,
    isReachable,
    ...(version !== undefined && { version }),
    ...(dbSizeBytes !== undefined && { dbSizeBytes }),
    ...(dbInUseBytes !== undefined && { dbInUseBytes }),
    ...(raftTerm !== undefined && { raftTerm }),
    ...(raftIndex !== undefined && { raftIndex }),
    errors: isReachable ? (row.errors ?? []) : [row?.error ?? 'it has not joined yet: it tells no address'],
  };
}

function toProblems({ name, isReachable, errors, dbSizeBytes = 0, dbInUseBytes = 0 }: EtcdMemberView): readonly string[] {
  if (!isReachable) return [`etcd member ${name} does not answer: ${errors[0] ?? ''}`];
  const isSparse = dbSizeBytes > LARGE_BYTES && dbInUseBytes * 2 < dbSizeBytes;
  return [
    ...errors.map((error) => `etcd member ${name}: ${error}`),
    ...(isSparse ? [`more than half of the database of etcd member ${name} is unused: defragment it`] : []),
  ];
}

function nameOf(members: readonly EtcdMemberView[], id: string): string {
  return members.find((member) => member.id === id)?.name ?? id;
}
