type Row = Readonly<Record<string, unknown>>;

interface Status {
  readonly delivery?: {
    readonly isLeader: boolean;
    readonly leader?: string;
    readonly backlog?: { readonly count: number; readonly ageMs: number };
    readonly delivered: number;
    readonly lastDeliveryAt?: string;
    readonly blocked: readonly { readonly path: string; readonly error: { readonly message: string } }[];
    readonly source?: { readonly source: string; readonly isFollowing: boolean };
  };
  readonly reports?: { readonly isLeader: boolean; readonly leader?: string };
  readonly watch: readonly { readonly prefix: string; readonly isOurs: boolean; readonly node: string }[];
  readonly problems: readonly string[];
}

/** The answer of `/api/v1/sync` as lines for people: what, and how it is with that. */
export function toStatusRows(status: unknown): readonly Row[] {
  const { delivery, reports, watch, problems } = status as Status;
  return [
    ...(delivery ? deliveryRows(delivery) : [row('delivery', 'none on this node')]),
    ...(reports ? [row('reports are taken by', toHolder(reports.leader, reports.isLeader))] : []),
    ...watch.map(({ prefix, isOurs, node }) => row(`watch of ${prefix}`, toHolder(node, isOurs))),
    ...problems.map((problem) => row('problem', problem)),
  ];
}

function deliveryRows({ isLeader, leader, backlog, delivered, lastDeliveryAt, blocked, source }: NonNullable<Status['delivery']>): Row[] {
  const age = backlog !== undefined && backlog.count > 0 ? `, the oldest for ${Math.round(backlog.ageMs / 1000)} s` : '';
  return [
    row('delivered by', toHolder(leader, isLeader)),
    ...(backlog ? [row('changes that wait', `${backlog.count}${age}`)] : []),
    row('delivered by this node', `${delivered}${lastDeliveryAt === undefined ? '' : `, the last at ${lastDeliveryAt}`}`),
    ...(source ? [row('order of', source.isFollowing ? source.source : `the log itself, not (yet) ${source.source}`)] : []),
    ...blocked.map(({ path, error }) => row(`blocked ${path}`, error.message)),
  ];
}

function toHolder(name: string | undefined, isOurs: boolean): string {
  return name === undefined ? 'nobody' : `${name}${isOurs ? ' (this node)' : ''}`;
}

function row(what: string, state: string): Row {
  return { what, state };
}
