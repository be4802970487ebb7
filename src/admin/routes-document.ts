import { toEntityKey } from '../entity/entity-key.ts';
import { parseEntity } from '../entity/parse-entity.ts';
import type { Collection } from '../entity/types.ts';
import { SekishoError } from '../lib/errors.ts';
import { oneAnswer } from './answer.ts';
import { bodyField, chooseNamespace, defaultNamespace } from './namespace-choice.ts';
import { COLLECTION, NAMESPACE } from './parameters.ts';
import type { AdminAnswer, AdminRequest, AdminRoute, ResponseRule } from './route.ts';
import { entityRef, INTEGER, objectOf, oneOf, STRING } from './schemas.ts';
import type { AdminOptions } from './types.ts';

const PATH = '/api/v1/document';
const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 10_000;
const SHARED = { group: 'document', query: [NAMESPACE, COLLECTION] } as const;
const ONE: ResponseRule = { doc: 'The document.', schema: oneOf(entityRef('document')) };
const KEY = {
  doc: 'Names the document: id, collection, namespace. Without an id all documents of the collection are deleted.',
  schema: { type: 'object', properties: { id: STRING, collection: STRING, namespace: STRING }, additionalProperties: false },
  required: false,
} as const;

/** The routes of documents. They are data: not in the change history, and without revision. */
export const DOCUMENT_ROUTES: readonly AdminRoute[] = [
  {
    ...SHARED,
    id: 'list_document',
    method: 'GET',
    path: PATH,
    summary: 'Lists documents of a collection by id',
    query: [
      ...SHARED.query,
      { name: 'limit', type: 'integer', doc: 'At most so many.', default: DEFAULT_LIMIT, maximum: MAX_LIMIT },
      { name: 'offset', type: 'integer', doc: 'Skip so many.', default: 0 },
    ],
    responses: { 200: { doc: 'One page; `documents` and `data` are the same list, `total` counts all.', schema: pageSchema() } },
    handle: listDocuments,
  },
  {
    ...SHARED,
    id: 'get_document',
    method: 'GET',
    path: `${PATH}/{id}`,
    summary: 'Gives one document',
    responses: { 200: ONE },
    handle: getDocument,
  },
  {
    ...SHARED,
    id: 'put_document_by_id',
    method: 'PUT',
    isChange: true,
    path: `${PATH}/{id}`,
    summary: 'Creates or replaces a document; the body is its data',
    body: {
      doc: 'The data: any JSON that matches the schema of the collection.',
      schema: {},
      required: true,
      malformed: 'error reading body',
    },
    responses: { 201: ONE },
    handle: (request, options) => putDocument(request.params.id ?? '', request.body, chooseCollection(request, options), options),
  },
  {
    ...SHARED,
    id: 'put_document',
    method: 'PUT',
    isChange: true,
    path: PATH,
    summary: 'Creates or replaces a document; the body is the whole document',
    body: { doc: 'The document.', schema: entityRef('document'), required: true },
    responses: { 201: ONE },
    handle: putWholeDocument,
  },
  {
    ...SHARED,
    id: 'delete_document_by_id',
    method: 'DELETE',
    isChange: true,
    path: `${PATH}/{id}`,
    summary: 'Deletes one document',
    responses: { 202: { doc: 'Deleted.' } },
    handle: (request, options) => deleteDocument(request.params.id ?? '', chooseCollection(request, options), options),
  },
  {
    ...SHARED,
    id: 'delete_document',
    method: 'DELETE',
    isChange: true,
    path: PATH,
    summary: 'Deletes the document that the body names, or every document of the collection',
    body: KEY,
    responses: { 202: { doc: 'Deleted.' } },
    handle: deleteByBody,
  },
];

/** The collection that a request names in query or body. Throws when it is not named, not there, or holds no documents. */
function chooseCollection(request: AdminRequest, options: AdminOptions, body?: unknown): Collection {
  const given = bodyField(body, 'collection');
  const name = typeof given === 'string' && given !== '' ? given : request.query.collection;
  if (typeof name !== 'string') throw new SekishoError('ADMIN_BAD_REQUEST', 'collection is required');
  if (request.query.collection !== undefined && request.query.collection !== name) {
    throw new SekishoError(
      'ADMIN_BAD_REQUEST',
      `the body names the collection ${JSON.stringify(name)}, the query ${JSON.stringify(request.query.collection)}`,
    );
  }
  // The body of a document's data may have a field `namespace` of its own.
  const namespace = chooseNamespace({ ...request, body }, options);
  const entities = options.state.entities();
  if (!entities.namespace.has(namespace)) throw new SekishoError('ENTITY_NOT_FOUND', `namespace not found: ${namespace}`);
  const collection = entities.collection.get(toEntityKey('collection', namespace, name));
  if (collection === undefined) throw new SekishoError('ENTITY_NOT_FOUND', 'collection not found');
  if (collection.type !== 'document') throw new SekishoError('ADMIN_BAD_REQUEST', 'collection is not a document collection');
  return collection;
}

function chooseReadable(request: AdminRequest, options: AdminOptions): Collection {
  const collection = chooseCollection(request, options);
  if (collection.visibility === 'private') throw new SekishoError('COLLECTION_PRIVATE', 'collection is private');
  return collection;
}

async function listDocuments(request: AdminRequest, options: AdminOptions): Promise<AdminAnswer> {
  const { namespace, name } = chooseReadable(request, options);
  const limit = Number(request.query.limit);
  const offset = Number(request.query.offset);
  const { documents } = options.state;
  const [found, total] = await Promise.all([documents.list(namespace, name, { limit, offset }), documents.count(namespace, name)]);
  return {
    status: 200,
    json: { collection: name, count: found.length, data: found, documents: found, limit, namespace, offset, status_code: 200, total },
  };
}

async function getDocument(request: AdminRequest, options: AdminOptions): Promise<AdminAnswer> {
  const { namespace, name } = chooseReadable(request, options);
  const document = await options.state.documents.get(namespace, name, request.params.id ?? '');
  if (document === undefined) throw missing(request.params.id ?? '', name);
  return oneAnswer(document);
}

async function putWholeDocument(request: AdminRequest, options: AdminOptions): Promise<AdminAnswer> {
  const collection = bodyField(request.body, 'collection') ?? request.query.collection;
  const body =
    typeof request.body === 'object' && request.body !== null && !Array.isArray(request.body)
      ? { ...request.body, collection }
      : request.body;
  const namespace = typeof request.query.namespace === 'string' ? request.query.namespace : defaultNamespace(options);
  const document = parseEntity('document', body, { defaultNamespace: namespace });
  return putDocument(document.id, document.data, chooseCollection(request, options, document), options);
}

async function putDocument(id: string, data: unknown, collection: Collection, options: AdminOptions): Promise<AdminAnswer> {
  return oneAnswer(await options.state.documents.put(collection.namespace, collection.name, id, data), undefined, 201);
}

async function deleteByBody(request: AdminRequest, options: AdminOptions): Promise<AdminAnswer> {
  const { body } = request;
  if (body !== undefined) checkKeyBody(body);
  const collection = chooseCollection(request, options, body);
  const id = bodyField(body, 'id');
  if (typeof id === 'string') return deleteDocument(id, collection, options);
  await options.state.documents.deleteAll(collection.namespace, collection.name);
  return { status: 202 };
}

/** What deletes everything when it names nothing has to be said exactly. */
function checkKeyBody(body: unknown): void {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new SekishoError('ADMIN_BAD_REQUEST', 'the body is a JSON object with id, collection, namespace');
  for (const [name, value] of Object.entries(body)) {
    if (!(name in KEY.schema.properties))
      throw new SekishoError('ADMIN_BAD_REQUEST', `the body has no field ${JSON.stringify(name)}; allowed are id, collection, namespace`);
    if (typeof value !== 'string') throw new SekishoError('ADMIN_BAD_REQUEST', `${name} must be a string`);
    if (name === 'id' && value === '')
      throw new SekishoError('ADMIN_BAD_REQUEST', 'id is empty; leave it out to delete every document of the collection');
  }
}

async function deleteDocument(id: string, collection: Collection, options: AdminOptions): Promise<AdminAnswer> {
  if (!(await options.state.documents.delete(collection.namespace, collection.name, id))) throw missing(id, collection.name);
  return { status: 202 };
}

function missing(id: string, collection: string): SekishoError {
  return new SekishoError('DOCUMENT_NOT_FOUND', `document not found: ${id} in the collection ${collection}`);
}

function pageSchema(): ReturnType<typeof objectOf> {
  const documents = { type: 'array', items: entityRef('document') };
  return objectOf({
    collection: STRING,
    count: INTEGER,
    data: documents,
    documents,
    limit: INTEGER,
    namespace: STRING,
    offset: INTEGER,
    status_code: INTEGER,
    total: INTEGER,
  });
}
