/** Seconds; 12 bounds, so that finding the bucket of a request is at most 12 comparisons. */
const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10] as const;
/** Seconds; modules usually answer in far less than a millisecond. */
const MODULE_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 10] as const;
const BUILD_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5] as const;

export interface MetricRow {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram, ascending, in the unit of its name. */
  readonly buckets?: readonly number[];
  /**
   * How the values of several processes become one: their sum unless it says otherwise. `process`: each has its own series, with a further label `process`
   * (`supervisor`, `worker-1`, …).
   */
  readonly merge?: 'sum' | 'max' | 'process';
}

/** Every metric that Sekisho gives. Label values are bounded: names of entities, path patterns, known methods; never paths, addresses or user agents. */
export const METRICS = {
  sekisho_info: { type: 'gauge', help: 'Always 1; the labels tell the versions.', labels: ['version', 'node'], merge: 'max' },

  sekisho_requests_total: {
    type: 'counter',
    help: 'Finished requests of the proxy. Route, pattern and namespace are empty when none matched.',
    labels: ['namespace', 'route', 'pattern', 'method', 'status'],
  },
  sekisho_request_duration_seconds: {
    type: 'histogram',
    help: 'From the head of the request until the answer was handed to the socket.',
    labels: ['namespace', 'route'],
    buckets: LATENCY_BUCKETS,
  },
  sekisho_response_bytes_total: { type: 'counter', help: 'Bytes of response bodies.', labels: ['namespace', 'route'] },
  sekisho_requests_in_flight: { type: 'gauge', help: 'Requests that are being served now.', labels: [] },
  sekisho_request_errors_total: {
    type: 'counter',
    help: 'Requests that the gateway itself answered with an error, by code (docs/reference/errors.md).',
    labels: ['code'],
  },

  sekisho_upstream_duration_seconds: {
    type: 'histogram',
    help: 'From the first attempt until the head of the upstream response; only requests that went upstream.',
    labels: ['namespace', 'service'],
    buckets: LATENCY_BUCKETS,
  },
  sekisho_upstream_retries_total: { type: 'counter', help: 'Attempts beyond the first.', labels: ['namespace', 'service'] },

  sekisho_module_calls_total: {
    type: 'counter',
    help: 'Phases that a module ran, by outcome (ok, failed, timeout, crashed, refused).',
    labels: ['namespace', 'module', 'phase', 'outcome'],
  },
  sekisho_module_duration_seconds: {
    type: 'histogram',
    help: 'Duration of one phase of a module, waiting for its thread included.',
    labels: ['namespace', 'module', 'phase'],
    buckets: MODULE_BUCKETS,
  },
  sekisho_module_threads_total: {
    type: 'counter',
    help: 'Changes in the life of module threads (started, stopped, killed, quarantined, released).',
    labels: ['namespace', 'module', 'state'],
  },

  sekisho_extension_events_total: {
    type: 'counter',
    help: 'Events of schemas, jobs and watched keys that extensions handled, by outcome (ok, answered, failed, timeout, crashed, refused).',
    labels: ['environment', 'event', 'outcome'],
  },
  sekisho_extension_duration_seconds: {
    type: 'histogram',
    help: 'Duration of all handlers of an event, what they wait for included.',
    labels: ['environment', 'event'],
    buckets: MODULE_BUCKETS,
  },
  sekisho_extension_threads_total: {
    type: 'counter',
    help: 'Changes in the life of extension threads (started, stopped, killed).',
    labels: ['kind', 'state'],
  },
  sekisho_extension_quarantines_total: {
    type: 'counter',
    help: 'Environments whose extensions were put into quarantine or released from it.',
    labels: ['environment', 'state'],
  },
  sekisho_extension_waiting: { type: 'gauge', help: 'Requests that wait for an extension thread.', labels: [] },

  sekisho_connections_opened_total: { type: 'counter', help: 'Accepted client connections.', labels: ['listener'] },
  sekisho_connections_refused_total: {
    type: 'counter',
    help: 'Connections closed at once because the limit was reached or the gateway is stopping.',
    labels: ['listener'],
  },
  sekisho_connections_open: { type: 'gauge', help: 'Open client connections.', labels: ['listener'] },

  sekisho_config_revision: { type: 'gauge', help: 'Revision of the entities that is being served.', labels: [], merge: 'max' },
  sekisho_config_routes: { type: 'gauge', help: 'Routes of the snapshot that is being served.', labels: [], merge: 'max' },
  sekisho_snapshot_build_seconds: {
    type: 'histogram',
    help: 'Time to build a snapshot; its count is the number of builds that were swapped in.',
    labels: [],
    buckets: BUILD_BUCKETS,
  },
  sekisho_entities_rejected_total: {
    type: 'counter',
    help: 'Stored entities that were kept out of a snapshot because they do not build.',
    labels: ['kind'],
  },
  sekisho_certificate_days_left: {
    type: 'gauge',
    help: 'Days until the certificate of a domain expires, once it is close.',
    labels: ['namespace', 'domain'],
    merge: 'max',
  },

  sekisho_workers: { type: 'gauge', help: 'Worker processes, by state; none with `workers: 0`.', labels: ['state'], merge: 'max' },
  sekisho_worker_changes_total: {
    type: 'counter',
    help: 'Changes in the life of worker processes (started, serving, draining, ended, crashed, stalled, full).',
    labels: ['state'],
  },

  sekisho_fleet_registered: {
    type: 'gauge',
    help: 'Whether the other nodes of the fleet see this one; absent without `storage.type: etcd`.',
    labels: [],
    merge: 'max',
  },

  sekisho_admin_requests_total: { type: 'counter', help: 'Finished requests of the admin API.', labels: ['method', 'status'] },
  sekisho_admin_request_duration_seconds: {
    type: 'histogram',
    help: 'Duration of requests of the admin API.',
    labels: [],
    buckets: LATENCY_BUCKETS,
  },

  sekisho_store_reachable: {
    type: 'gauge',
    help: 'Whether the store on etcd is followed: 0 while what was read before is served on.',
    labels: [],
  },
  sekisho_store_stale: {
    type: 'gauge',
    help: 'Whether the last good state of the disk is served because etcd has not answered since the start.',
    labels: [],
  },
  sekisho_store_resets_total: {
    type: 'counter',
    help: 'How often the store on etcd was no continuation of what was served: restored, made anew, or changed by hand.',
    labels: [],
  },
  sekisho_store_damaged_total: { type: 'counter', help: 'Values of the store on etcd that were passed over.', labels: [] },
  sekisho_store_snapshots_total: {
    type: 'counter',
    help: 'Last good states on the disk: written, loaded, ignored, failed.',
    labels: ['outcome'],
  },

  sekisho_sync_leader: {
    type: 'gauge',
    help: 'Whether this node has the office: publisher, state, cron, or watch of a key.',
    labels: ['role'],
  },
  sekisho_sync_delivered_total: { type: 'counter', help: 'Rows of the event log that were delivered.', labels: ['sink'] },
  sekisho_sync_batch_seconds: {
    type: 'histogram',
    help: 'Time to deliver what was read of the event log at once, and to delete it.',
    labels: [],
    buckets: LATENCY_BUCKETS,
  },
  sekisho_sync_failures_total: {
    type: 'counter',
    help: 'Deliveries of the event log that failed and are tried again, by code.',
    labels: ['sink', 'code'],
  },
  sekisho_sync_following: {
    type: 'gauge',
    help: 'Whether the order of deliveries comes from the replication of the database (`sync_source`) now.',
    labels: ['source'],
  },
  sekisho_sync_gaps_total: {
    type: 'counter',
    help: 'Times that the place of a stream of replication was lost and everything was delivered anew.',
    labels: ['source'],
  },
  sekisho_sync_conflicts_total: { type: 'counter', help: 'Keys of resources that somebody else wrote.', labels: [] },
  sekisho_sync_backlog: {
    type: 'gauge',
    help: 'Rows that wait in the event log, on the node that delivers; on all while none does, and 0 elsewhere.',
    labels: [],
  },
  sekisho_sync_backlog_age_seconds: { type: 'gauge', help: 'Age of the oldest of them.', labels: [] },
  sekisho_webhook_sent_total: {
    type: 'counter',
    help: 'Changes sent to receivers of webhooks: delivered, failed (and sent again), dead.',
    labels: ['receiver', 'outcome'],
  },
  sekisho_webhook_seconds: {
    type: 'histogram',
    help: 'Time until a receiver of a webhook answered, or did not in time.',
    labels: [],
    buckets: LATENCY_BUCKETS,
  },
  sekisho_webhook_waiting: {
    type: 'gauge',
    help: 'Changes that wait for a receiver, as last seen by the leader.',
    labels: ['receiver'],
  },
  sekisho_webhook_age_seconds: { type: 'gauge', help: 'Age of the oldest of them.', labels: ['receiver'] },
  sekisho_webhook_dead_letters: { type: 'gauge', help: 'Changes that a receiver did not take.', labels: ['receiver'] },
  sekisho_webhook_overflow_total: {
    type: 'counter',
    help: 'Changes that became dead letters because too many waited, and dead letters that were deleted because there were too many.',
    labels: ['receiver', 'what'],
  },
  sekisho_sync_reports_total: {
    type: 'counter',
    help: 'States and monitoring data that workers reported.',
    labels: ['schema', 'report', 'outcome'],
  },
  sekisho_sync_watched_total: { type: 'counter', help: 'Changes of watched keys.', labels: ['prefix', 'outcome'] },
  sekisho_sync_drift: {
    type: 'gauge',
    help: 'Keys in which etcd differed from the database when they were last compared: missing, different, orphaned.',
    labels: ['kind'],
  },
  sekisho_cron_runs_total: { type: 'counter', help: 'Ticks of cron jobs.', labels: ['path', 'outcome'] },
  sekisho_cron_last_duration_seconds: { type: 'gauge', help: 'Duration of the last run of a cron job.', labels: ['path'] },

  sekisho_errors_total: { type: 'counter', help: 'Errors outside of requests, by code.', labels: ['code'] },
  sekisho_warnings_total: { type: 'counter', help: 'Warnings in the log.', labels: [] },
  sekisho_log_dropped_total: {
    type: 'counter',
    help: 'Log lines that were dropped because the reader of the log is too slow.',
    labels: [],
  },
  sekisho_metric_series_overflow_total: {
    type: 'counter',
    help: 'Events counted under the label value `other` because the limit of series was reached.',
    labels: [],
  },

  sekisho_event_loop_delay_seconds: {
    type: 'gauge',
    help: 'Delay of the event loop since the last scrape.',
    labels: ['quantile'],
    merge: 'process',
  },
  sekisho_event_loop_active_seconds_total: { type: 'counter', help: 'Time that the event loop was busy.', labels: [], merge: 'process' },
  sekisho_heap_used_bytes: { type: 'gauge', help: 'Used heap of the main thread.', labels: [], merge: 'process' },
  sekisho_external_memory_bytes: { type: 'gauge', help: 'Memory of buffers outside of the heap.', labels: [], merge: 'process' },
  process_cpu_seconds_total: { type: 'counter', help: 'User and system CPU time of the process.', labels: [], merge: 'process' },
  process_resident_memory_bytes: { type: 'gauge', help: 'Resident memory of the process.', labels: [], merge: 'process' },
  process_start_time_seconds: { type: 'gauge', help: 'Start of the process, seconds since 1970.', labels: [], merge: 'process' },
} as const satisfies Readonly<Record<string, MetricRow>>;

export type MetricName = keyof typeof METRICS;
