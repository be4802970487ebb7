import { SekishoError } from '../lib/errors.ts';
import type { AdminAnswer, AdminRequest, AdminRoute } from './route.ts';

/** What takes the place of DGate's commands (docs/how-to/move-from-dgate.md). */
const REPLACEMENTS: Readonly<Record<string, string>> = {
  AddVoter: 'POST /api/v1/cluster/members',
  AddNonvoter: 'POST /api/v1/cluster/members with `learner: true`, or admin.watch_only',
  RemoveServer: 'DELETE /api/v1/cluster/members/{member}',
  Snapshot: 'GET /api/v1/cluster/snapshot',
  Barrier: '?wait=all on the change itself',
  readyz: 'GET /readyz',
};

/** DGate's own Raft, which is not here: etcd replicates. Who still asks for it is told where to look. */
export const RAFT_ROUTES: readonly AdminRoute[] = (['/raft/{command}', '/raftadmin/{command}'] as const).flatMap((path) =>
  (['GET', 'POST'] as const).map((method) => ({
    id: `${method.toLowerCase()}_${path.slice(1, path.indexOf('/', 1))}`,
    method,
    path,
    group: 'cluster',
    summary: "One of DGate's commands of Raft; what takes its place is told",
    query: [],
    early: true as const,
    responses: { 410: { doc: 'Always.', schema: { $ref: '#/components/schemas/Problem' }, contentType: 'application/problem+json' } },
    handle: gone,
  })),
);

function gone({ params }: AdminRequest): AdminAnswer {
  const command = params.command ?? '';
  const instead = Object.hasOwn(REPLACEMENTS, command) ? REPLACEMENTS[command] : 'GET /api/v1/cluster';
  throw new SekishoError(
    'ADMIN_GONE',
    `gateways replicate nothing themselves, they share an etcd (storage.type: etcd); in place of ${command.slice(0, 50)}: ${instead}`,
  );
}
