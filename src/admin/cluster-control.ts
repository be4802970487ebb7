/** The nodes that share one state and the etcd cluster that holds it, as far as the admin API shows and tends them. All calls reject with ETCD_* when etcd does not answer. */
export interface ClusterControl {
  /** Whether the other nodes see this one: it takes part in what `wait=all` waits for. */
  isRegistered(): boolean;
  /** Nodes, members of etcd, who leads, alarms, and what is wrong. Never rejects: what can't be asked is a problem that it tells. */
  status(): Promise<unknown>;
  nodes(): Promise<readonly unknown[]>;
  members(): Promise<readonly unknown[]>;
  addMember(peerUrls: readonly string[], isLearner: boolean): Promise<unknown>;
  /** Takes a name or an id; FLEET_MEMBER when there is none. */
  removeMember(member: string): Promise<void>;
  promoteMember(member: string): Promise<void>;
  /** Of all members, or of one. */
  defragment(member: string | undefined): Promise<readonly unknown[]>;
  /** Takes all alarms back; gives them. */
  disarm(): Promise<readonly unknown[]>;
  /** The database of a member, as `etcdutl snapshot restore` takes it. */
  snapshot(): AsyncIterable<Buffer>;
  /** Waits until every node that lives serves the revision; gives those that do not in time. */
  untilServed(revision: number, timeoutMs: number): Promise<readonly { readonly id: string; readonly revision: number }[]>;
  /** URL of the admin API of a node that takes changes; undefined when none is known. */
  writer(): Promise<string | undefined>;
}

/** Saves and restores what is stored, whatever the store. */
export interface BackupControl {
  /** All entities and documents as JSON text, secrets encrypted with the key of the store. */
  save(): Promise<string>;
  /** Makes the state what it was. Rejects with SNAPSHOT_INVALID, or with what keeps an entity from being stored. */
  restore(backup: unknown, options: { readonly author: string; readonly dryRun: boolean }): Promise<unknown>;
}
