/** Keys of etcd, those of Gohan first: workers and other gateways rely on them. */
export const CONFIG_PREFIX = '/config';
export const STATE_PREFIX = '/state_watch/state';
export const MONITORING_PREFIX = '/state_watch/monitoring';
/** Both of the above. */
export const REPORTS_PREFIX = '/state_watch/';

/** Who delivers the event log; Gohan's lock. */
export const PUBLISHER_KEY = '/gohan/cluster/sync';
/** Tells the leader that there is something new in the event log: `{"event_id": N}`. */
export const NOTICE_KEY = '/gohan/cluster/sync/tx_committed';
/** Who takes in what workers report. */
export const STATE_KEY = '/gohan/cluster/lock/state_watch';
/** Who runs cron jobs. */
export const CRON_KEY = '/gohan/cluster/lock/cron';
/** Last runs of cron jobs, by name. */
export const CRON_RUNS_PREFIX = '/gohan/cluster/cron/';
/** Processes that share the watched keys. */
export const MEMBERS_PREFIX = '/gohan/cluster/process/';
/** Followed by a watched key: who watches it. */
export const WATCH_LOCK_PREFIX = '/gohan/cluster/lock/watch';
/** Followed by a watched key: the revision up to which its events were handled. */
export const WATCH_REVISION_PREFIX = '/gohan/watch/revision';
/** What the last transactions delivered, so that the next leader does not deliver it again. Not under the key of the publisher, which is watched. */
export const DELIVERED_PREFIX = '/gohan/cluster/delivered/';
/** Followed by the template of a key: the schema that writes, or wrote, such keys. */
export const LAYOUTS_PREFIX = '/gohan/cluster/layouts';
