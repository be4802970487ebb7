import { createHash } from 'node:crypto';
import { SekishoError } from '../lib/errors.ts';
import { toEndpointUrl } from './endpoints.ts';
import { parseRefusal, toError } from './etcd-error.ts';
import type { Transport } from './transport.ts';
import type { EtcdCluster, MemberStatus } from './types.ts';
import { toAlarm, toBytes, toId, toMember, toMessage, toMessages, toNumber, toText, toTexts } from './wire.ts';

/** Rewrites a whole database file: gigabytes, during which the member answers nothing. */
const DEFRAGMENT_MS = 600_000;
const SNAPSHOT_IDLE_MS = 60_000;
const DIGEST_BYTES = 32;

/** Calls about the cluster itself. */
export function createCluster(transport: Transport): EtcdCluster {
  const { call } = transport;
  const members: EtcdCluster['members'] = async () => toMessages((await call('/v3/cluster/member/list', {})).members).map(toMember);
  return {
    members,
    async add(peerUrls, { learner = false } = {}) {
      const answer = await call('/v3/cluster/member/add', { peerURLs: peerUrls, isLearner: learner }, { isWrite: true });
      return toMember(toMessage(answer.member));
    },
    async remove(memberId) {
      await call('/v3/cluster/member/remove', { ID: memberId }, { isWrite: true });
    },
    async promote(memberId) {
      await call('/v3/cluster/member/promote', { ID: memberId }, { isWrite: true });
    },
    async update(memberId, peerUrls) {
      await call('/v3/cluster/member/update', { ID: memberId, peerURLs: peerUrls }, { isWrite: true });
    },
    async status() {
      const known = await members().catch(() => []);
      const urls = new Set([...transport.endpoints, ...known.flatMap((member) => member.clientUrls).map(toEndpointUrl)]);
      return await Promise.all([...urls].map((endpoint) => askStatus(transport, endpoint)));
    },
    async alarms() {
      return toMessages((await call('/v3/maintenance/alarm', { action: 'GET' })).alarms).map(toAlarm);
    },
    async disarm({ memberId, alarm }) {
      await call('/v3/maintenance/alarm', { action: 'DEACTIVATE', memberID: memberId, alarm });
    },
    async defragment(endpoint) {
      await call('/v3/maintenance/defragment', {}, { endpoint: toEndpointUrl(endpoint), timeoutMs: DEFRAGMENT_MS });
    },
    async compact(revision) {
      await call('/v3/kv/compaction', { revision: String(revision) });
    },
    snapshot: (endpoint) => readSnapshot(transport, endpoint),
  };
}

async function askStatus(transport: Transport, endpoint: string): Promise<MemberStatus> {
  try {
    const answer = await transport.call('/v3/maintenance/status', {}, { endpoint });
    const errors = toTexts(answer.errors);
    return {
      endpoint,
      reachable: true,
      memberId: toId(toMessage(answer.header).member_id),
      version: toText(answer.version),
      dbSizeBytes: toNumber(answer.dbSize),
      dbInUseBytes: toNumber(answer.dbSizeInUse),
      leaderId: toId(answer.leader),
      raftTerm: toNumber(answer.raftTerm),
      raftIndex: toNumber(answer.raftIndex),
      isLearner: answer.isLearner === true,
      ...(errors.length > 0 && { errors }),
    };
  } catch (error) {
    return { endpoint, reachable: false, error: error instanceof Error ? error.message : String(error) };
  }
}

/** Throws ETCD_FAILED at the end of a stream that was cut or damaged: what was written until then is no snapshot. */
async function* readSnapshot(transport: Transport, endpoint?: string): AsyncGenerator<Buffer, void, undefined> {
  const path = '/v3/maintenance/snapshot';
  const { lines, endpoint: from } = await transport.stream(path, {}, endpoint === undefined ? {} : { endpoint: toEndpointUrl(endpoint) });
  const hash = createHash('sha256');
  /** The last bytes so far: they may be the digest. */
  let tail = Buffer.alloc(0);
  try {
    for (;;) {
      const next = await lines.next(SNAPSHOT_IDLE_MS);
      if (next.type === 'idle') throw broken(from, `nothing came for ${SNAPSHOT_IDLE_MS} ms`);
      if (next.type === 'end') {
        if (tail.length === DIGEST_BYTES && hash.digest().equals(tail)) return;
        throw broken(from, next.reason);
      }
      const { result, error } = toMessage(next.value);
      if (error !== undefined) throw toError(parseRefusal(error, 500), path);
      const blob = toBytes(toMessage(result).blob);
      if (blob.length > 0) yield blob;
      const bytes = Buffer.concat([tail, blob]);
      const split = Math.max(0, bytes.length - DIGEST_BYTES);
      hash.update(bytes.subarray(0, split));
      tail = bytes.subarray(split);
    }
  } finally {
    lines.close();
  }
}

function broken(endpoint: string, reason: string): SekishoError {
  return new SekishoError('ETCD_FAILED', `the snapshot of ${endpoint} is not whole: ${reason}`);
}
