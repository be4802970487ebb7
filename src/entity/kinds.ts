import {
  checkCollectionType,
  checkHostPatterns,
  checkMethods,
  checkModuleNames,
  checkName,
  checkNamespaceName,
  checkPaths,
  checkPayload,
  checkSchema,
  checkTags,
  checkUrls,
} from './field-checks.ts';
import type { FieldRule, KindRule } from './field-rule.ts';

const NAME = {
  type: 'string',
  required: true,
  doc: 'Name, unique among its kind in the namespace.',
  check: checkName,
} as const satisfies FieldRule;
const NAMESPACE = {
  type: 'string',
  doc: 'The namespace that owns it; `default` when absent.',
  check: checkNamespaceName,
} as const satisfies FieldRule;
const TAGS = {
  type: 'strings',
  doc: 'Labels; those that begin with `#`, `!` or `?` name the nodes that serve it: `#tag` must have, `!tag` must not, `?a,b` any.',
  check: checkTags,
} as const satisfies FieldRule;

function defineEntityKinds<const T extends Record<string, KindRule>>(kinds: T): { readonly [K in keyof T]: KindRule } {
  return kinds;
}

/** Every kind of entity, and documents, with all their fields. What is not here can't be put. */
export const KINDS = defineEntityKinds({
  namespace: {
    doc: 'Owner of entities; chosen for each request by the domain that matches its host.',
    plural: 'namespaces',
    aliases: ['ns'],
    key: 'name',
    fields: { name: { ...NAME, doc: 'Name, unique; without a `/`.', example: 'shop', check: checkNamespaceName }, tags: TAGS },
  },
  domain: {
    doc: 'Host patterns that lead to a namespace, with a TLS certificate if wanted.',
    plural: 'domains',
    aliases: ['dom'],
    key: 'name',
    fields: {
      name: { ...NAME, example: 'shop' },
      namespace: NAMESPACE,
      patterns: {
        type: 'strings',
        required: 'cli',
        default: [],
        doc: 'Host patterns: exact, `*suffix`, `prefix*`, `*part*`, `*`, or `/regex/`; matched without case.',
        example: '*.example.com',
        check: checkHostPatterns,
      },
      priority: {
        type: 'integer',
        default: 0,
        minimum: -2147483648,
        maximum: 2147483647,
        doc: 'Domains of higher priority are asked first; equal ones by name, descending.',
      },
      cert: { type: 'string', doc: 'Certificate chain, PEM; together with `key`.' },
      key: { type: 'string', redact: '', doc: 'Private key, PEM; together with `cert`. Never answered.' },
      tags: TAGS,
    },
  },
  service: {
    doc: 'Upstream servers that do the same job.',
    plural: 'services',
    aliases: ['svc'],
    key: 'name',
    fields: {
      name: { ...NAME, example: 'users' },
      namespace: NAMESPACE,
      urls: {
        type: 'strings',
        required: true,
        doc: 'Absolute URLs of the upstreams, asked in turn; schemes http, https, ws, wss, h2c.',
        example: 'http://127.0.0.1:8888',
        check: checkUrls,
      },
      retries: {
        type: 'integer',
        default: 3,
        minimum: 0,
        maximum: 100,
        doc: 'Further attempts after one that failed; only where repeating is safe.',
      },
      retryTimeout: { type: 'duration', default: 0, doc: 'Pause between two attempts.' },
      connectTimeout: { type: 'duration', default: 0, doc: 'Limit for making a connection; 0 is the default of the gateway.' },
      requestTimeout: {
        type: 'duration',
        default: 0,
        doc: 'Limit of one attempt until the head of the response; 0 is the default of the gateway.',
      },
      tlsSkipVerify: { type: 'boolean', default: false, doc: 'Do not verify the certificate of the upstream.' },
      http2Only: { type: 'boolean', default: false, doc: 'Speak HTTP/2 to https upstreams.' },
      hideDGateHeaders: { type: 'boolean', default: false, doc: 'Leave out the X-DGate-* headers of responses.' },
      disableQueryParams: { type: 'boolean', default: false, doc: 'Do not pass the query on.' },
      tags: TAGS,
    },
  },
  route: {
    doc: 'Paths and methods that lead to a service, to modules, or to both.',
    plural: 'routes',
    aliases: ['rt'],
    key: 'name',
    fields: {
      name: { ...NAME, example: 'users' },
      namespace: NAMESPACE,
      paths: {
        type: 'strings',
        required: 'cli',
        default: [],
        doc: 'Path patterns: `/static`, `{name}`, `{name:regex}`, `*` at the end.',
        example: '/users/{id}',
        check: checkPaths,
      },
      methods: {
        type: 'strings',
        required: true,
        doc: 'HTTP methods in capitals, or `*` alone for all.',
        example: 'GET,POST',
        check: checkMethods,
      },
      preserveHost: { type: 'boolean', default: false, doc: 'Send the Host of the client to the upstream.' },
      stripPath: { type: 'boolean', default: false, doc: 'Leave the part of the path before the wildcard out of what is sent upstream.' },
      service: { type: 'string', doc: 'Name of a service in the namespace.' },
      modules: {
        type: 'strings',
        doc: 'Names of modules in the namespace; the first is the entry, the others can be imported by it.',
        check: checkModuleNames,
      },
      tags: TAGS,
    },
  },
  module: {
    doc: 'TypeScript or JavaScript that runs in the gateway.',
    plural: 'modules',
    aliases: ['mod'],
    key: 'name',
    fields: {
      name: { ...NAME, example: 'hello' },
      namespace: NAMESPACE,
      moduleType: { type: 'string', default: 'typescript', values: ['typescript', 'javascript'], doc: 'Language of the source.' },
      payload: { type: 'string', required: true, doc: 'Source text, base64.', example: 'ZXhwb3J0IHt9', check: checkPayload },
      tags: TAGS,
    },
  },
  collection: {
    doc: 'A set of JSON documents with a schema.',
    plural: 'collections',
    aliases: ['col'],
    key: 'name',
    fields: {
      name: { ...NAME, example: 'links' },
      namespace: NAMESPACE,
      schema: {
        type: 'json',
        required: 'cli',
        doc: 'JSON Schema of the documents; draft 2020-12 unless `$schema` names draft-07.',
        example: '{"type":"object"}',
        check: checkSchema,
      },
      visibility: {
        type: 'string',
        default: 'public',
        values: ['public', 'private'],
        doc: 'Documents of a private collection are read by modules only, not through the admin API.',
      },
      type: {
        type: 'string',
        default: 'document',
        values: ['document', 'fetcher'],
        doc: 'What it holds; only `document` is implemented.',
        check: checkCollectionType,
      },
      tags: TAGS,
    },
  },
  document: {
    doc: 'One JSON value of a collection.',
    plural: 'documents',
    aliases: ['doc'],
    key: 'id',
    fields: {
      id: { type: 'string', required: true, doc: 'Id, unique in the collection.', example: 'd1', check: checkName },
      namespace: NAMESPACE,
      collection: { type: 'string', required: true, doc: 'Name of the collection.', example: 'links', check: checkName },
      data: { type: 'json', required: true, doc: 'The value; it has to match the schema of the collection.', example: '{"a":1}' },
      createdAt: { type: 'string', isReadOnly: true, doc: 'When it was created, RFC 3339; set by the gateway.' },
      updatedAt: { type: 'string', isReadOnly: true, doc: 'When it was last put, RFC 3339; set by the gateway.' },
    },
  },
  secret: {
    doc: 'Text that only modules of its namespace can read.',
    plural: 'secrets',
    aliases: ['sec'],
    key: 'name',
    fields: {
      name: { ...NAME, example: 'api-key' },
      namespace: NAMESPACE,
      data: {
        type: 'string',
        required: true,
        redact: '**redacted**',
        doc: 'The text; encrypted in the store, never answered.',
        example: 's3cret',
      },
      tags: TAGS,
    },
  },
});

export type KindName = keyof typeof KINDS;

/** Names of the fields without which a kind can't be put by the command line. */
export function requiredKeys(kind: KindName): readonly string[] {
  return Object.entries(KINDS[kind].fields).flatMap(([name, field]) => (field.required === undefined ? [] : [name]));
}

/** The kind that `word` means: its name, plural or alias. */
export function findKind(word: string): KindName | undefined {
  for (const kind of Object.keys(KINDS) as KindName[]) {
    if (kind === word || KINDS[kind].plural === word || KINDS[kind].aliases.includes(word)) return kind;
  }
  return undefined;
}
