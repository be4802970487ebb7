import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { assertOpenApi } from '../../test/support/openapi-structure.ts';
import { toDot } from './dot.ts';
import { loadSchemas } from './load-schemas.ts';
import { toMarkdown } from './markdown.ts';
import { toOpenApi } from './openapi.ts';
import { LIST_PARAMETERS } from './query-parameters.ts';
import { groupView, schemaView, schemaViews, type ViewAccess } from './schema-view.ts';
import { toTypeScript } from './typescript.ts';
import { createValidator } from './validator.ts';
import { FULL_ACCESS } from './visible-type.ts';

const set = loadSchemas(['store.yaml'], { cwd: join(import.meta.dirname, 'testdata', 'store'), legacyTableNames: true });
const types = [...set.resources.values()];
const folder = mkdtempSync(join(tmpdir(), 'sekisho-types-'));
after(() => rmSync(folder, { recursive: true }));

/** A member who may not see prices nor change anything but names. */
const MEMBER: ViewAccess = {
  mayDo: (type, action) => type.id === 'book' && action !== 'delete',
  seesProperty: (_, action, name) => (action === 'read' ? name !== 'price' : name === 'title'),
};

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name?: string; readonly $ref?: string }[];
}

interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
}

test('the whole set loads as its users know it', () => {
  const shown = types.filter(({ isMeta }) => !isMeta).map(({ id, longUrl, table }) => `${id} ${longUrl} ${table}`);
  assert.deepEqual(shown, [
    'book /c/books books',
    'library /c/libraries librarys',
    'shelf /c/libraries/{library}/shelves shelfs',
    'loan /c/loans loans',
    'ware /shop/v1.0/store/wares wares',
  ]);
  assert.equal(set.policies.length, 3);
  assert.deepEqual(
    set.policies.map(({ effect, scope }) => [effect, scope.length]),
    [
      ['allow', 3],
      ['deny', 3],
      ['allow', 1],
    ],
  );
});

test('OpenAPI: the document is one, whoever asks; a resource is as its schema says', () => {
  for (const access of [FULL_ACCESS, MEMBER]) assertOpenApi(toOpenApi(types, { title: 'Store', version: '1', groups: set.groups, access }));
  const document = toOpenApi(types, { title: 'Store', version: '1' }) as unknown as Document;
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: 'document', ...document });
  const book = ajv.getSchema('document#/components/schemas/book');
  assert.ok(book?.({ id: 'a', title: 't', pages: null, price: null, detail: null, tenant_id: null }), JSON.stringify(book?.errors));
});

test('OpenAPI: lists have their filters, writes their fields, groups and actions their paths', () => {
  const document = toOpenApi(types, { title: 'Store', version: '1', groups: set.groups }) as unknown as Document;
  const { paths } = document;
  const namesOf = (path: string, method: string): readonly string[] =>
    (paths[path]?.[method]?.parameters ?? []).map((one) => one.name ?? one.$ref?.split('/').at(-1) ?? '');
  const filters = namesOf('/c/books', 'get').slice(Object.keys(LIST_PARAMETERS).length + 1);
  assert.deepEqual(
    filters.filter((name) => /pages|tenant/.test(name)),
    ['pages', 'tenant_id'].flatMap((name) => [name, ...['gt', 'gte', 'lt', 'lte', 'ne', 'null'].map((word) => `${name}__${word}`)]),
  );
  assert.ok(!filters.some((name) => name.startsWith('detail')), 'objects are no filters');
  for (const name of ['page_size', 'page_token', 'sort', 'Prefer']) assert.ok(namesOf('/c/books', 'get').includes(name), name);
  assert.deepEqual(namesOf('/c/books', 'post'), ['validate_only', 'Idempotency-Key', 'Prefer']);
  assert.deepEqual(namesOf('/c/books/{id}', 'patch'), ['validate_only', 'If-Match', 'If-None-Match', 'Idempotency-Key', 'Prefer']);
  for (const path of ['/_all', '/shop', '/shop/v1.0', '/openapi.json', '/c/books/{id}/lend', '/c/libraries/{library}/shelves/{id}'])
    assert.ok(paths[path], path);
});

test('OpenAPI: ids of operations stay apart, and references to what is hidden lead nowhere else', () => {
  const book = set.resources.get('book');
  assert.ok(book);
  const lend = book.actions.get('lend');
  assert.ok(lend);
  const twin = {
    ...book,
    actions: new Map([
      ['list', { ...lend, id: 'list', path: '/list', output: { type: 'library' } }],
      ['copy', { ...lend, id: 'copy', path: '/copy', input: { type: 'object', properties: { price: { $ref: '#/properties/gone' } } } }],
    ]),
  };
  const document = toOpenApi([twin], { title: 'Store', version: '1', access: MEMBER }) as unknown as Document;
  assertOpenApi(document);
  assert.equal(document.paths['/c/books/list']?.['post']?.operationId, 'list_book_2');
});

test('OpenAPI: every path of a type, each with the methods that are allowed', () => {
  const { paths } = toOpenApi(types, { title: 'Store', version: '1', access: MEMBER }) as unknown as Document;
  const shown = Object.entries(paths)
    .filter(([path]) => path.startsWith('/c/'))
    .map(([path, item]) => `${path} ${Object.keys(item).join(' ')}`);
  assert.deepEqual(shown, [
    '/c/books get post',
    '/c/books/{id} parameters get put patch',
    '/c/books/{id}/lend parameters post',
    '/c/books/count get',
  ]);
});

test('nothing that is made for a caller names what it may not see', () => {
  const made = [
    JSON.stringify(toOpenApi(types, { title: 'Store', version: '1', access: MEMBER })),
    toMarkdown(types, { title: 'Store', access: MEMBER }),
    toDot(types, MEMBER),
    toTypeScript(types, MEMBER),
    JSON.stringify(schemaViews(set, MEMBER)),
  ];
  for (const text of made) {
    assert.ok(text.includes('title'));
    assert.ok(!text.includes('price'), text);
    assert.ok(!/librar|shelf|loan/i.test(text), text);
  }
});

test('the schema API shows what the caller may do', () => {
  const [view] = schemaViews(set, MEMBER);
  const schema = view?.['schema'] as {
    properties: Record<string, { permission: string[] }>;
    permission: string[];
    required: string[];
    propertiesOrder: string[];
  };
  assert.deepEqual(schema.permission, ['create', 'read', 'update']);
  assert.deepEqual(schema.propertiesOrder, ['id', 'title', 'detail', 'pages', 'tenant_id']);
  assert.deepEqual(schema.properties['title']?.permission, ['create', 'update']);
  assert.deepEqual(schema.properties['pages']?.permission, []);
  assert.deepEqual(view?.['actions'], {
    lend: {
      method: 'POST',
      path: '/:id/lend',
      input: { type: 'object', properties: { to: { type: 'string' } }, required: ['to'] },
      output: { type: 'object' },
      protocol: '',
    },
    count: { method: 'GET', path: '/count', input: null, output: null, protocol: '' },
  });
  assert.equal(schemaView(set.resources.get('library') as never, MEMBER), undefined);
});

test('groups list their versions, and versions their collections', () => {
  const [shop, v1] = set.groups;
  assert.ok(shop && v1);
  assert.deepEqual(
    groupView(set, shop, () => true),
    { versions: [{ status: 'CURRENT', id: 'v1.0', links: [{ href: '/shop/v1.0/', rel: 'self' }] }] },
  );
  assert.deepEqual(
    groupView(set, v1, () => true),
    { resources: [{ links: [{ href: '/shop/v1.0/store/wares', rel: 'self' }], name: 'ware', collection: 'wares' }] },
  );
  assert.deepEqual(
    groupView(set, v1, () => false),
    { resources: [] },
  );
});

test('TypeScript: it is valid, and types follow the schemas', async () => {
  const text = toTypeScript(types, FULL_ACCESS);
  const file = join(folder, 'types.ts');
  writeFileSync(file, text);
  await import(pathToFileURL(file).href);
  for (const line of [
    'export interface BookCreate {',
    '  title: string;',
    '  pages?: number;',
    '  pages: number | null;',
    '    cover?: "hard" | "soft";',
    '  book?: Book | null;',
    '  loan: {\n    resource: Loan;\n    create: LoanCreate;\n    update: LoanUpdate;\n    singular: "loan";\n    plural: "loans";',
    'export type BookLendInput = {\n  to: string;',
    '      lend: { input: BookLendInput; output: ',
  ])
    assert.ok(text.includes(line), `${line} in\n${text}`);
});

test('Markdown and Graphviz show properties and relations', () => {
  const page = toMarkdown(types, { title: 'Store' });
  assert.ok(page.includes('| `title` | string | required | yes | Title |'), page);
  assert.ok(page.includes('`/c/libraries/{library}/shelves`'));
  assert.ok(page.includes('`POST /c/books/:id/lend`'));
  const graph = toDot(types);
  assert.ok(graph.includes('"shelf" -> "library" [label="library_id"];'), graph);
  assert.ok(graph.includes('"loan" -> "book" [label="items.[].book_id", style=dashed];'), graph);
});

test('an inherited rule is checked where it is used', () => {
  const library = set.resources.get('library');
  assert.ok(library);
  assert.deepEqual(createValidator(library)({ id: 'x', name: 5 }), [
    { pointer: '/name', detail: 'Invalid type. Expected: string, given: integer' },
  ]);
});
