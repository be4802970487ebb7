import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';

type Node = any; // any: the document is walked as what it is, JSON

const text = { type: 'string' };
const ref = { type: 'object', properties: { $ref: text }, required: ['$ref'], additionalProperties: false };
const mapOf = (schema: object): object => ({ type: 'object', additionalProperties: schema });
const orRef = (schema: object): object => ({ anyOf: [ref, schema] });
const closed = (properties: object, ...required: readonly string[]): object => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});
const content = { type: 'object', minProperties: 1, additionalProperties: closed({ schema: { type: 'object' } }, 'schema') };
const parameter = closed(
  {
    name: { type: 'string', minLength: 1 },
    in: { enum: ['path', 'query', 'header'] },
    required: { type: 'boolean' },
    description: text,
    schema: { type: 'object' },
    style: { enum: ['form', 'simple'] },
    explode: { type: 'boolean' },
  },
  'name',
  'in',
  'schema',
);
const header = closed({ description: text, schema: { type: 'object' } }, 'schema');
const response = closed({ description: text, headers: mapOf(orRef(header)), content }, 'description');
const parameters = { type: 'array', uniqueItems: true, items: orRef(parameter) };
const operation = closed(
  {
    operationId: text,
    summary: text,
    tags: { type: 'array', items: text },
    parameters,
    requestBody: closed({ required: { type: 'boolean' }, description: text, content }, 'content'),
    responses: {
      type: 'object',
      minProperties: 1,
      patternProperties: { '^([1-5]\\d\\d|default)$': orRef(response) },
      additionalProperties: false,
    },
  },
  'operationId',
  'responses',
);
const METHODS = ['get', 'put', 'post', 'patch', 'delete'];
const pathItem = closed({ parameters, ...Object.fromEntries(METHODS.map((method) => [method, operation])) });
const componentName = { pattern: '^[a-zA-Z0-9._-]+$' };
const components = closed({
  schemas: { ...mapOf({ type: 'object' }), propertyNames: componentName },
  parameters: { ...mapOf(parameter), propertyNames: componentName },
  headers: { ...mapOf(header), propertyNames: componentName },
  responses: { ...mapOf(response), propertyNames: componentName },
  securitySchemes: { ...mapOf({ type: 'object', required: ['type'] }), propertyNames: componentName },
});

/** The parts of OpenAPI 3.1 that the documents of the gateway use, and nothing else. */
const DOCUMENT = closed(
  {
    openapi: { const: '3.1.0' },
    info: closed({ title: text, version: text, description: text }, 'title', 'version'),
    security: { type: 'array', items: mapOf({ type: 'array' }) },
    paths: { ...mapOf(pathItem), propertyNames: { pattern: '^/' } },
    components,
  },
  'openapi',
  'info',
  'paths',
);

/**
 * Fails unless the document is one of OpenAPI 3.1: its structure, references that lead somewhere, operation ids that are unique, the parameters of a path declared
 * exactly once, and schemas that compile.
 */
export function assertOpenApi(document: Node): void {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  const isOne: boolean = ajv.validate(DOCUMENT, document as unknown);
  assert.ok(isOne, ajv.errorsText(ajv.errors?.slice(0, 5)));
  for (const reference of references(document)) assert.notEqual(resolve(document, reference), undefined, `${reference} is not there`);
  const ids: string[] = [];
  for (const [path, item] of Object.entries<Node>(document.paths)) {
    for (const method of METHODS.filter((name) => item[name] !== undefined)) {
      ids.push(item[method].operationId);
      const own: readonly Node[] = [...(item.parameters ?? []), ...(item[method].parameters ?? [])].map((one: Node) =>
        one.$ref === undefined ? one : resolve(document, one.$ref),
      );
      const names = own.map((one) => `${one.in} ${one.name}`);
      assert.equal(new Set(names).size, names.length, `${method} ${path}: ${names.join(', ')}`);
      const inPath = own.filter((one) => one.in === 'path');
      assert.deepEqual(
        new Set(inPath.map(({ name }) => name)),
        new Set([...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name)),
        `${method} ${path}`,
      );
      for (const one of inPath) assert.equal(one.required, true, `${method} ${path} ${one.name}`);
    }
  }
  assert.equal(new Set(ids).size, ids.length, `operation ids are unique: ${ids.join(', ')}`);
  ajv.addSchema({ $id: 'document', ...document });
  for (const name of Object.keys(document.components.schemas)) assert.ok(ajv.getSchema(`document#/components/schemas/${name}`), name);
}

function references(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === '$ref' && typeof inner === 'string' ? [inner] : references(inner)));
}

function resolve(document: Node, reference: string): Node {
  return reference
    .slice(2)
    .split('/')
    .reduce((at: Node, key) => at?.[decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~')], document);
}
