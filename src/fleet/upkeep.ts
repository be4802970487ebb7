import type { EtcdCluster } from '../etcd/types.ts';
import { SekishoError } from '../lib/errors.ts';
import { readEtcdView } from './etcd-view.ts';

export interface Defragmented {
  readonly member: string;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/**
 * Defragments members one after another, the leader last: each answers nothing while it works. `wanted` is a name or an id; without it all of them.
 * Rejects with FLEET_MEMBER when there is no such member, or when one does not answer: then none or only some are done.
 */
export async function defragmentMembers(cluster: EtcdCluster, wanted: string | undefined): Promise<readonly Defragmented[]> {
  const { members } = await readEtcdView(cluster);
  const chosen = wanted === undefined ? members : [findMember(members, wanted)];
  const done: Defragmented[] = [];
  for (const member of chosen.toSorted((a, b) => Number(a.isLeader) - Number(b.isLeader))) {
    const { name, isReachable, endpoints, errors } = member;
    const [endpoint] = endpoints;
    if (!isReachable || endpoint === undefined)
      throw new SekishoError(
        'FLEET_MEMBER',
        `etcd member ${name} does not answer: ${errors[0] ?? ''}; it was not defragmented, nor were those after it`,
      );
    await cluster.defragment(endpoint);
    const after = (await readEtcdView(cluster)).members.find(({ id }) => id === member.id);
    done.push({ member: name, bytesBefore: member.dbSizeBytes ?? 0, bytesAfter: after?.dbSizeBytes ?? 0 });
  }
  return done;
}

/** The member of that name or id. Throws FLEET_MEMBER. */
export function findMember<T extends { readonly id: string; readonly name: string }>(members: readonly T[], wanted: string): T {
  const found = members.find(({ id }) => id === wanted) ?? members.find(({ name }) => name === wanted);
  if (found !== undefined) return found;
  const known = members.map(({ name, id }) => (name === '' ? id : name)).join(', ');
  throw new SekishoError('FLEET_MEMBER', `etcd has no member ${JSON.stringify(wanted)}; it has ${known || 'none that is known'}`);
}
