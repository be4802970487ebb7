import type { SettingKeys } from './setting.ts';

const NAME = { type: 'string', required: true, format: 'nonEmpty', doc: 'Name, unique in its namespace.' } as const;
const NAMESPACE = { type: 'string', doc: 'Namespace; `default` when absent.' } as const;
/** The key that DGate's loader happens to read for documents and secrets. */
const NAMESPACENAME = { type: 'string', doc: 'Other spelling of `namespace`.' } as const;
const TAGS = { type: 'list', of: { type: 'string', doc: 'Tag.' }, doc: 'Free labels.' } as const;
const TEXTS = { type: 'string', format: 'nonEmpty', doc: 'Text.' } as const;

const NAMESPACE_KEYS = { name: NAME, tags: TAGS } as const satisfies SettingKeys;

const SERVICE_KEYS = {
  name: NAME,
  namespace: NAMESPACE,
  urls: { type: 'list', of: TEXTS, required: true, minItems: 1, doc: 'Upstream URLs (http, https, ws, wss, h2c), used in turn.' },
  retries: { type: 'int', default: 3, min: 0, doc: 'Further attempts after a failed one.' },
  retryTimeout: { type: 'span', default: 0, doc: 'Pause between two attempts.' },
  connectTimeout: { type: 'span', default: 0, doc: "Limit of connecting; 0 = the gateway's default." },
  requestTimeout: { type: 'span', default: 0, doc: "Limit of one attempt until the head of the answer; 0 = the gateway's default." },
  tlsSkipVerify: { type: 'bool', default: false, doc: 'Accept any certificate of the upstream.' },
  http2Only: { type: 'bool', default: false, doc: 'Speak HTTP/2 to the upstream.' },
  hideDGateHeaders: { type: 'bool', default: false, doc: 'Leave out the `X-DGate-*` headers.' },
  disableQueryParams: { type: 'bool', default: false, doc: "Drop the client's query." },
  tags: TAGS,
} as const satisfies SettingKeys;

const ROUTE_KEYS = {
  name: NAME,
  namespace: NAMESPACE,
  paths: { type: 'list', of: TEXTS, default: [], doc: 'Path patterns.' },
  methods: { type: 'list', of: TEXTS, required: true, minItems: 1, doc: 'Methods, or `*` alone.' },
  preserveHost: { type: 'bool', default: false, doc: "Send the client's Host to the upstream." },
  stripPath: { type: 'bool', default: false, doc: 'Drop the matched part of the path.' },
  service: { type: 'string', doc: 'Service that requests are sent to.' },
  modules: { type: 'list', of: TEXTS, doc: 'Modules; the first is the entry, the others can be imported by it.' },
  tags: TAGS,
} as const satisfies SettingKeys;

const MODULE_KEYS = {
  name: NAME,
  namespace: NAMESPACE,
  moduleType: { type: 'enum', values: ['typescript', 'javascript'], default: 'typescript', doc: 'Language.' },
  payload: { type: 'string', verbatim: true, doc: 'Source text as it is (not base64, nothing is expanded in it).' },
  payload_file: { type: 'path', use: 'file', doc: 'File with the source text. Exactly one of `payload` and `payload_file`.' },
  tags: TAGS,
} as const satisfies SettingKeys;

const DOMAIN_KEYS = {
  name: NAME,
  namespace: NAMESPACE,
  patterns: { type: 'list', of: { type: 'string', format: 'hostPattern', doc: 'Host pattern.' }, default: [], doc: 'Host patterns.' },
  priority: { type: 'int', default: 0, doc: 'Higher is asked first.' },
  cert: { type: 'string', doc: 'Certificate chain, PEM text.' },
  cert_file: { type: 'path', use: 'file', doc: 'File with the certificate chain.' },
  key: { type: 'string', secret: true, doc: 'Private key, PEM text.' },
  key_file: { type: 'path', use: 'file', doc: 'File with the private key.' },
  tags: TAGS,
} as const satisfies SettingKeys;

const COLLECTION_KEYS = {
  name: NAME,
  namespace: NAMESPACE,
  schema: { type: 'free', doc: 'JSON Schema that the documents keep.' },
  visibility: { type: 'enum', values: ['public', 'private'], default: 'public', doc: 'Whether the admin API shows the documents.' },
  type: { type: 'enum', values: ['document', 'fetcher'], default: 'document', doc: 'Kind of collection.' },
  tags: TAGS,
} as const satisfies SettingKeys;

const DOCUMENT_KEYS = {
  id: { type: 'string', required: true, format: 'nonEmpty', doc: 'Id, unique in its collection.' },
  namespace: NAMESPACE,
  namespacename: NAMESPACENAME,
  collection: { type: 'string', doc: 'Collection that holds it.' },
  collectionname: { type: 'string', doc: 'Other spelling of `collection`.' },
  data: { type: 'free', doc: 'Anything.' },
  createdat: { type: 'ignored', doc: 'the store sets it' },
  updatedat: { type: 'ignored', doc: 'the store sets it' },
} as const satisfies SettingKeys;

const SECRET_KEYS = {
  name: NAME,
  namespace: NAMESPACE,
  namespacename: NAMESPACENAME,
  data: { type: 'string', required: true, secret: true, doc: 'Plain text.' },
  tags: TAGS,
} as const satisfies SettingKeys;

/** Keys under `proxy.init_resources`; the fields of an entity have the names of the admin API. */
export const INIT_RESOURCES = {
  skip_validation: { type: 'ignored', doc: 'entities are always validated' },
  namespaces: {
    type: 'list',
    of: { type: 'section', keys: NAMESPACE_KEYS, doc: 'A namespace.' },
    default: [],
    doc: 'Namespaces. `default` need not be listed.',
  },
  services: { type: 'list', of: { type: 'section', keys: SERVICE_KEYS, doc: 'A service.' }, default: [], doc: 'Services.' },
  routes: { type: 'list', of: { type: 'section', keys: ROUTE_KEYS, doc: 'A route.' }, default: [], doc: 'Routes.' },
  modules: { type: 'list', of: { type: 'section', keys: MODULE_KEYS, doc: 'A module.' }, default: [], doc: 'Modules.' },
  domains: { type: 'list', of: { type: 'section', keys: DOMAIN_KEYS, doc: 'A domain.' }, default: [], doc: 'Domains.' },
  collections: { type: 'list', of: { type: 'section', keys: COLLECTION_KEYS, doc: 'A collection.' }, default: [], doc: 'Collections.' },
  documents: { type: 'list', of: { type: 'section', keys: DOCUMENT_KEYS, doc: 'A document.' }, default: [], doc: 'Documents.' },
  secrets: { type: 'list', of: { type: 'section', keys: SECRET_KEYS, doc: 'A secret.' }, default: [], doc: 'Secrets.' },
} as const satisfies SettingKeys;
