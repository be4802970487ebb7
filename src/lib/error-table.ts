export interface ErrorRow {
  readonly status: number;
  readonly title: string;
  readonly help: string;
  /** The detail of such an error is for the log alone: it names addresses behind the gateway. Clients read `help` instead. */
  readonly isInternal?: true;
}

/** Every error that Sekisho answers or prints. `status` is its HTTP status; `exit` the exit code when it ends a command. Documented in docs/reference/errors.md. */
export const ERRORS = {
  // Anything
  INTERNAL: { status: 500, title: 'Internal error', help: 'A bug in Sekisho. The log holds the stack under the id of the answer.' },

  // Reading the configuration; ends `sekisho start` with exit code 2
  CONFIG_NOT_FOUND: { status: 400, title: 'Configuration not found', help: 'The configuration file is missing or unreadable.' },
  CONFIG_SYNTAX: {
    status: 400,
    title: 'Configuration is not YAML or JSON',
    help: 'The file could not be parsed; the message has line and column.',
  },
  CONFIG_INVALID: {
    status: 400,
    title: 'Invalid configuration',
    help: 'One or more settings are unknown, missing or have a wrong value; every one is listed with its place.',
  },
  LISTEN_FAILED: { status: 500, title: 'Cannot listen', help: 'A port is in use or not permitted.' },

  // Entities and the store
  ENTITY_INVALID: { status: 400, title: 'Invalid entity', help: 'A field of the entity is missing, unknown or has a wrong value.' },
  ENTITY_NOT_FOUND: { status: 404, title: 'Not found', help: 'There is no entity of that name in the namespace.' },
  ENTITY_REFERENCE: { status: 400, title: 'Broken reference', help: 'The entity names another one that does not exist.' },
  ENTITY_IN_USE: { status: 400, title: 'Still in use', help: 'Other entities refer to this one; delete or change them first.' },
  ENTITY_CONFLICT: { status: 400, title: 'Conflict', help: 'Another entity already claims this (for example the same path and method).' },
  REVISION_MISMATCH: {
    status: 412,
    title: 'Changed meanwhile',
    help: 'The entity or the state is at another revision than the request expected; read it again.',
  },
  COLLECTION_PRIVATE: {
    status: 403,
    title: 'Private collection',
    help: 'The documents of a private collection are not readable through the admin API.',
  },
  COLLECTION_NOT_EMPTY: { status: 400, title: 'Collection holds documents', help: 'Delete the documents first.' },
  DOCUMENT_INVALID: {
    status: 400,
    title: 'Document does not match its schema',
    help: 'The data breaks the JSON Schema of its collection; every broken rule is listed.',
  },
  DOCUMENT_NOT_FOUND: { status: 404, title: 'Document not found', help: 'There is no document of that id in the collection.' },
  STORE_FAILED: { status: 503, title: 'Store unavailable', help: 'The change could not be stored and was not applied.' },
  STORE_CORRUPT: { status: 500, title: 'Store is damaged', help: 'The stored state could not be read; nothing was changed.' },
  STORE_LOCKED: {
    status: 500,
    title: 'Store is in use',
    help: 'Another process has the storage folder open; two gateways need two folders.',
  },
  STORE_KEY: {
    status: 500,
    title: 'Wrong store key',
    help: 'The key that encrypts secrets at rest is missing, malformed, readable for others, or not the one of this store.',
  },
  STORE_TOO_LARGE: {
    status: 413,
    title: 'Too large for the store',
    help: 'A store on etcd takes entities and documents up to 1 MiB; the message says how large this one is.',
  },
  STORE_NOT_EMPTY: {
    status: 409,
    title: 'Store is not empty',
    help: 'The target of a move holds something already; `--force` replaces it.',
  },
  STORE_BUSY: { status: 503, title: 'Too many changes', help: 'Too many changes are waiting to be applied; try again.' },

  // Processes of the gateway
  WORKER_CRASHED: {
    status: 500,
    title: 'A worker ended',
    help: 'A worker process ended while it built the change, which was not stored; most likely code of a module took it down.',
  },
  WORKER_ABSENT: { status: 503, title: 'No worker', help: 'No worker process is there to build the change; it was not stored. Try again.' },
  WORKER_FAILED: { status: 500, title: 'Worker does not start', help: 'A worker process could not start; the message says why.' },
  RELOAD_REFUSED: {
    status: 409,
    title: 'Not now',
    help: 'A reload or an upgrade is under way, or this gateway was started in a way that has none.',
  },
  UPGRADE_FAILED: {
    status: 500,
    title: 'The new program does not serve',
    help: 'The process that should take over did not come up; the old one serves on.',
  },

  // Nodes of a fleet
  FLEET_NONE: {
    status: 400,
    title: 'No fleet',
    help: 'This gateway keeps its state for itself; nodes of a fleet share an etcd (`storage.type: etcd`).',
  },
  FLEET_ID: { status: 409, title: 'Node id is taken', help: 'Two live nodes of a fleet have the same `node_id`.' },
  FLEET_BEHIND: {
    status: 504,
    title: 'Not served everywhere yet',
    help: 'The change is stored, and served by the node that was asked; the nodes that do not serve it yet are named (`wait=all`).',
  },
  FLEET_MEMBER: { status: 404, title: 'No such member', help: 'The etcd cluster has no member of that name or id, or it does not answer.' },
  SNAPSHOT_INVALID: {
    status: 400,
    title: 'Snapshot can not be restored',
    help: 'The file is not a whole snapshot of `sekisho cluster snapshot`, or its secrets are encrypted with another key; nothing was changed.',
  },

  // Modules
  MODULE_COMPILE: {
    status: 400,
    title: 'Module does not compile',
    help: 'A syntax error or an import that cannot be resolved; every place is listed.',
  },
  MODULE_LOAD: {
    status: 400,
    title: 'Module does not load',
    help: 'Its top-level code threw, took too long, or exports a hook that is no function.',
  },
  MODULE_TIMEOUT: {
    status: 504,
    title: 'Module took too long',
    help: 'The hook did not finish within `modules.timeout`, or blocked its thread for longer than `modules.sync_timeout`.',
  },
  MODULE_CRASHED: {
    status: 503,
    title: 'Module crashed',
    help: 'The thread of the module ended (out of memory, exit, kill); it is restarted for the next request.',
  },
  MODULE_QUARANTINED: {
    status: 503,
    title: 'Module is quarantined',
    help: 'The module was killed too often; change it, or release it in the admin API.',
  },
  MODULE_BUSY: { status: 503, title: 'Module is overloaded', help: 'Too many calls of the module are waiting (`modules.max_queue`).' },
  MODULE_FAILED: {
    status: 502,
    title: 'Module failed',
    help: 'requestHandler or responseModifier threw, and no errorHandler answered instead.',
  },
  MODULE_HOOK_FAILED: {
    status: 500,
    title: 'Module hook failed',
    help: 'fetchUpstream, requestModifier or errorHandler threw; errorHandler is not asked about these.',
  },
  MODULE_BODY_TOO_LARGE: {
    status: 413,
    title: 'Body too large for a module',
    help: 'A module asked for a body beyond `modules.max_body_bytes`.',
  },

  // Extensions of schemas
  EXTENSION_COMPILE: {
    status: 400,
    title: 'Extension does not compile',
    help: 'A syntax error, an import that cannot be resolved, or a language that is not run here; every place is listed.',
  },
  EXTENSION_LOAD: {
    status: 400,
    title: 'Extension does not load',
    help: 'Its top-level code threw or took too long, or it exports something else than a function under the name of an event.',
  },
  EXTENSION_FAILED: {
    status: 500,
    title: 'Extension failed',
    help: 'A handler threw what is no answer; the log has its stack under the id. To answer, throw a `ResponseError` (TypeScript) or a `CustomException` (Gohan).',
  },
  EXTENSION_TIMEOUT: {
    status: 504,
    title: 'Extension took too long',
    help: 'The handlers of an event did not finish within `extension.timelimit`, or blocked a thread that others share.',
  },
  EXTENSION_CRASHED: {
    status: 503,
    title: 'Extension crashed',
    help: 'The thread of the handler ended (out of memory, or because of another request); a new one serves the next request.',
  },
  EXTENSION_QUARANTINED: {
    status: 503,
    title: 'Extension is quarantined',
    help: 'The code of this schema ended its threads too often; change it, or release it in the admin API.',
  },
  EXTENSION_BUSY: { status: 503, title: 'Extensions are overloaded', help: 'Too many requests wait for a thread (`extension.max_queue`).' },
  EXTENSION_ABORTED: {
    status: 503,
    title: 'Extension was stopped',
    help: 'Nobody waits for the result any more: the client left, or the gateway stops.',
  },
  EXTENSION_ANSWER: {
    status: 400,
    title: 'Refused by an extension',
    help: 'A handler answered by throwing an exception; status, title and message are its own.',
  },
  EXTENSION_TRANSACTION: {
    status: 500,
    title: 'Wrong transaction in an extension',
    help: 'A handler used a transaction that is not open, or opened one where it can have none; the message tells which.',
  },
  EXTENSION_SCHEMA: {
    status: 500,
    title: 'Unknown schema in an extension',
    help: 'A handler named a schema that is not loaded, or is abstract; the log has its id.',
    isInternal: true,
  },
  EXTENSION_CALL_FAILED: {
    status: 500,
    title: 'Call of an extension failed',
    help: 'A service, file, program or shared object that a handler asked for gave no answer; the log says why.',
    isInternal: true,
  },
  EXTENSION_NOT_ENABLED: {
    status: 500,
    title: 'Not enabled for extensions',
    help: 'A handler used something that a setting of `extension` has to permit first; the log names it.',
  },

  // The proxy
  REQUEST_INVALID: { status: 400, title: 'Malformed request', help: 'The head of the request breaks HTTP; the detail says which rule.' },
  REQUEST_TIMEOUT: { status: 408, title: 'Request took too long to arrive', help: 'The client did not send its head or body in time.' },
  URI_TOO_LONG: { status: 414, title: 'Target too long', help: 'The request target is over `proxy.limits.max_target_bytes`.' },
  HEADERS_TOO_LARGE: { status: 431, title: 'Header too large', help: 'The head of the request has too many fields or is too large.' },
  BODY_TOO_LARGE: { status: 413, title: 'Body too large', help: 'The body is over a configured limit.' },
  EXPECTATION_FAILED: { status: 417, title: 'Unknown expectation', help: 'Only `Expect: 100-continue` is known.' },
  METHOD_NOT_IMPLEMENTED: { status: 501, title: 'Method not implemented', help: 'CONNECT and unknown transfer codings are not served.' },
  VERSION_NOT_SUPPORTED: { status: 505, title: 'HTTP version not supported', help: 'Only HTTP/1.0, 1.1 and 2 are served.' },
  NAMESPACE_NOT_FOUND: {
    status: 404,
    title: 'Not found',
    help: 'No domain matches the host of the request; the explain endpoint of the admin API tells why.',
  },
  ROUTE_NOT_FOUND: {
    status: 404,
    title: 'Not found',
    help: 'No route of the namespace matches the path; the explain endpoint of the admin API tells why.',
  },
  ROUTE_METHOD: {
    status: 405,
    title: 'Method not allowed',
    help: 'Routes match the path, but not with this method; the Allow header lists those they have.',
  },
  ROUTE_EMPTY: { status: 501, title: 'Nothing to serve', help: 'The route has neither a service nor a module with a requestHandler.' },
  SERVICE_EMPTY: { status: 500, title: 'No upstream', help: 'The service of the route has no URL, or fetchUpstream gave none.' },
  CLIENT_CLOSED: {
    status: 499,
    title: 'Client closed request',
    help: 'The client went away before its answer; only seen in log and metrics.',
  },
  DOMAIN_NOT_ALLOWED: { status: 403, title: 'Domain not allowed', help: 'The host does not match `proxy.allowed_domains`.' },
  OVERLOADED: { status: 503, title: 'Too many requests in flight', help: 'The gateway is at `proxy.limits.max_in_flight`.' },
  UPSTREAM_CONNECT: { status: 502, title: 'Upstream unreachable', help: 'No connection to the upstream could be made.', isInternal: true },
  UPSTREAM_RESET: {
    status: 502,
    title: 'Upstream closed the connection',
    help: 'The upstream ended the connection before its answer was complete.',
    isInternal: true,
  },
  UPSTREAM_INVALID: {
    status: 502,
    title: 'Upstream answered nonsense',
    help: 'The answer of the upstream breaks HTTP; the log says which rule.',
    isInternal: true,
  },
  UPSTREAM_TIMEOUT: {
    status: 502,
    title: 'Upstream took too long',
    help: "The upstream did not answer within the service's requestTimeout.",
    isInternal: true,
  },

  // The admin API
  ADMIN_UNAUTHORIZED: {
    status: 401,
    title: 'Unauthorized',
    help: 'Credentials are missing or wrong, or the address is not in `admin.allow_list`.',
  },
  ADMIN_FORBIDDEN_ORIGIN: {
    status: 403,
    title: 'Foreign origin',
    help: "Host or Origin is not one of the admin API's own: guards against DNS rebinding and cross-site requests.",
  },
  ADMIN_BAD_REQUEST: { status: 400, title: 'Bad request', help: 'A parameter or the body of the admin call is malformed.' },
  ADMIN_NOT_FOUND: { status: 404, title: 'No such path', help: 'The admin API has no such path; see /openapi.json.' },
  ADMIN_WATCH_ONLY: {
    status: 403,
    title: 'This node takes no changes',
    help: 'The node has `admin.watch_only`; `Location` names one that takes changes, when there is one.',
  },
  ADMIN_GONE: { status: 410, title: 'Replaced', help: 'A path of DGate that has no meaning here; the message names what takes its place.' },
  ADMIN_METHOD: {
    status: 405,
    title: 'Method not allowed',
    help: 'The path exists, but not with this method; the Allow header lists those it has.',
  },
  ADMIN_BODY_TOO_LARGE: { status: 413, title: 'Body too large', help: 'The body is over `admin.max_body_bytes`.' },
  NOT_READY: { status: 503, title: 'Not ready', help: 'The gateway has not loaded its state yet, or is stopping.' },

  // Models: schema files, resources, policies, identities, databases
  SCHEMA_INVALID: {
    status: 400,
    title: 'Invalid schema files',
    help: 'One or more schema files are wrong; every problem is listed with its place.',
  },
  RESOURCE_INVALID: {
    status: 400,
    title: 'Invalid resource',
    help: 'The body breaks the schema of the resource; every broken rule is listed by its pointer.',
  },
  RESOURCE_MALFORMED: { status: 400, title: 'Malformed body', help: 'The body is no JSON object.' },
  RESOURCE_NOT_FOUND: { status: 404, title: 'Resource not found', help: 'There is no such resource, or it is not visible to the caller.' },
  RESOURCE_CONFLICT: {
    status: 409,
    title: 'Conflict',
    help: 'A unique value is taken already, or other resources still refer to this one; the property is named.',
  },
  RESOURCE_REFERENCE: { status: 400, title: 'Broken reference', help: 'A related resource does not exist, or may not be attached.' },
  RESOURCE_PRECONDITION: {
    status: 412,
    title: 'Precondition failed',
    help: 'The resource is at another version than If-Match or If-None-Match asked for.',
  },
  RESOURCE_METHOD: {
    status: 405,
    title: 'Method not allowed',
    help: 'The path exists, but not with this method; the Allow header lists those it has.',
  },
  QUERY_INVALID: { status: 400, title: 'Invalid query', help: 'A query parameter is unknown or has a wrong value.' },
  PAGE_TOKEN_INVALID: { status: 400, title: 'Invalid page token', help: 'The page token is damaged, or was made for other arguments.' },
  IDEMPOTENCY_MISMATCH: {
    status: 422,
    title: 'Idempotency key was used differently',
    help: 'The same Idempotency-Key came with another request.',
  },
  POLICY_DENIED: {
    status: 403,
    title: 'Not permitted',
    help: 'No policy permits this to the caller, or one of its conditions refuses it.',
  },
  IDENTITY_REQUIRED: {
    status: 401,
    title: 'Unauthorized',
    help: 'The request needs credentials that are valid; `reason` tells what is wrong with those given.',
  },
  IDENTITY_UNAVAILABLE: { status: 503, title: 'Identity service unavailable', help: 'The identity service could not be asked.' },
  DATABASE_RETRY: {
    status: 503,
    title: 'Try again',
    help: 'The transaction clashed with others more often than database.deadlock_retry_tx allows.',
  },
  DATABASE_LOST: {
    status: 503,
    title: 'Database connection lost',
    help: 'The connection broke; whether the change was made is not known. Use an Idempotency-Key to ask again safely.',
  },
  DATABASE_REFUSED: {
    status: 503,
    title: 'Database refuses the connection',
    help: 'User, password, TLS or the name of the database in `database.connection` are wrong; the message has what the server said.',
    isInternal: true,
  },
  DATABASE_FAILED: { status: 500, title: 'Database error', help: 'The database refused a statement; the log has its message.' },
  MIGRATION_NEEDED: {
    status: 500,
    title: 'Migration needed',
    help: 'The tables do not fit the schemas and may not be changed by themselves; run `sekisho migrate plan`.',
  },
  MIGRATION_INVALID: {
    status: 400,
    title: 'Invalid migration file',
    help: 'A file of the migrations folder breaks the format of goose, or is missing; the message names it and its line.',
  },
  MIGRATION_FAILED: {
    status: 500,
    title: 'Migration failed',
    help: 'A statement of a migration was refused; the message names it. Correct the file and run the same command again: it goes on from there.',
  },

  // Delivering the event log
  SYNC_VALUE: {
    status: 500,
    title: 'No value for etcd',
    help: 'A change has not the property that `sync_property` of its schema names. It waits; the next change of the resource takes its place.',
  },
  SYNC_TOO_LARGE: {
    status: 500,
    title: 'Value too large for etcd',
    help: 'A resource is larger than etcd takes. Its changes wait, those of others go on; a smaller version of it takes its place.',
  },
  SYNC_CONFLICT: {
    status: 500,
    title: 'Somebody else writes the key',
    help: 'The keys of resources belong to the gateway; another writer changes one of them all the time.',
  },
  SYNC_DEPOSED: {
    status: 503,
    title: 'Not the leader',
    help: 'Another node delivers the event log now; this one stopped before it wrote.',
  },
  SYNC_STATE_INVALID: {
    status: 400,
    title: 'Invalid report',
    help: 'What a worker reported is no JSON object, or has no numeric `version`, or no `monitoring`.',
  },
  SYNC_SOURCE: {
    status: 500,
    title: 'Replication not set up',
    help: 'The database gives no changes as `sync_source` wants them; the message tells what to set. Until then the event log itself is read.',
  },
  WEBHOOK_UNKNOWN: {
    status: 404,
    title: 'No such webhook',
    help: 'No receiver in `webhooks` has this name, and no changes for one of this name are left. `GET /api/v1/sync/webhooks` lists them.',
  },
  WEBHOOK_NO_LETTER: {
    status: 404,
    title: 'No such dead letter',
    help: 'The receiver has no dead letter with this id. `sekisho webhook list NAME` lists those that it has.',
  },
  SYNC_OTHER_DATABASE: {
    status: 409,
    title: 'Another database delivered',
    help: 'The keys of these schemas were last delivered from another database: a resync from this one would remove what is not its own. Point `etcd` elsewhere, or let a gateway of this database deliver a change first.',
  },
  SYNC_NO_ETCD: { status: 400, title: 'No etcd', help: 'This needs `etcd` in the configuration.' },

  // etcd
  ETCD_UNAVAILABLE: {
    status: 503,
    title: 'The etcd cluster is unavailable',
    help: 'No endpoint of etcd answered in time, or the cluster has no leader; nothing was changed.',
    isInternal: true,
  },
  ETCD_UNKNOWN_OUTCOME: {
    status: 503,
    title: 'Unknown outcome',
    help: 'The connection to etcd broke after a write was sent; whether it was made is not known. Read what is there before you try again.',
    isInternal: true,
  },
  ETCD_DENIED: {
    status: 502,
    title: 'Denied by etcd',
    help: 'The user name or password of etcd is wrong or missing, or its role lacks the permission for these keys (for members of the cluster: the role root); the log has what etcd said.',
    isInternal: true,
  },
  ETCD_NO_SPACE: {
    status: 507,
    title: 'The etcd database is full',
    help: 'The database of etcd reached its quota and takes no more writes: compact, defragment, disarm the NOSPACE alarm, and raise the quota.',
    isInternal: true,
  },
  ETCD_TOO_LARGE: {
    status: 413,
    title: 'Too large for etcd',
    help: 'A request is larger than etcd takes (1.5 MiB and 128 operations by default), or an answer is larger than this process holds.',
  },
  ETCD_COMPACTED: {
    status: 410,
    title: 'Revision compacted',
    help: 'The revision is older than what etcd still has; read the present state instead.',
  },
  ETCD_LEASE_LOST: {
    status: 503,
    title: 'Lease lost',
    help: 'The lease ran out or was revoked, and its keys are gone; whoever held it begins anew.',
    isInternal: true,
  },
  ETCD_FAILED: {
    status: 502,
    title: 'Error of etcd',
    help: 'The etcd server refused a request, or what answers is no etcd; the message has its words.',
    isInternal: true,
  },
} as const satisfies Record<string, ErrorRow>;
