/** What a node tells the others about itself. */
export interface FleetNode {
  /** Unique in the fleet: `node_id`, or the name of the machine with a port. */
  readonly id: string;
  readonly version: string;
  /** URLs of the listeners of the proxy. */
  readonly proxy: readonly string[];
  /** URL under which others reach its admin API; absent when it has none. */
  readonly admin?: string;
  readonly tags: readonly string[];
  /** Takes no changes by its admin API. */
  readonly watchOnly: boolean;
  /** Processes that serve, and those that should; both 0 when one process does everything. */
  readonly workers: { readonly serving: number; readonly wanted: number };
  /** What it serves. */
  readonly revision: number;
  readonly hash: string;
  /** Entities that it keeps out because they do not build. */
  readonly rejected: number;
  /** One sentence for each thing that is wrong. */
  readonly problems: readonly string[];
  /** RFC 3339, UTC. */
  readonly startedAt: string;
}

/** A member of the etcd cluster, as far as it is known. */
export interface EtcdMemberView {
  /** Empty for an endpoint that no member is known to have. */
  readonly id: string;
  readonly name: string;
  readonly endpoints: readonly string[];
  readonly peerUrls: readonly string[];
  readonly isLearner: boolean;
  readonly isLeader: boolean;
  readonly isReachable: boolean;
  readonly version?: string;
  readonly dbSizeBytes?: number;
  readonly dbInUseBytes?: number;
  readonly raftTerm?: number;
  readonly raftIndex?: number;
  /** Why it does not answer, or what it says is wrong with it. */
  readonly errors: readonly string[];
}

/** The etcd cluster as a whole. */
export interface EtcdView {
  readonly members: readonly EtcdMemberView[];
  /** Name of the leading member. */
  readonly leader?: string;
  /** More than half of the voting members answer, and one leads: changes can be stored. */
  readonly hasQuorum: boolean;
  readonly alarms: readonly { readonly member: string; readonly alarm: string }[];
  /** One sentence for each thing that is wrong. */
  readonly problems: readonly string[];
}
