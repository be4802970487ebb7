import type { JsonSchema } from './types.ts';

/** A parameter of the query that is no property: what it may be, and its line in documents. */
export interface QueryParameter {
  readonly schema: JsonSchema;
  readonly doc: string;
}

type QueryParameters = Readonly<Record<string, QueryParameter>>;

const COUNT = { type: 'integer', minimum: 0 };
const TEXTS = { type: 'array', items: { type: 'string' } };

/** What shapes a resource in an answer. */
export const SHAPE_PARAMETERS = {
  _fields: { schema: TEXTS, doc: 'Properties that are answered.' },
  _details: { schema: { type: 'boolean', default: true }, doc: 'Embed related resources.' },
} as const satisfies QueryParameters;

/** Names that mean something else than a property in the query of a list. */
export const LIST_PARAMETERS = {
  sort_key: { schema: { type: 'string', default: 'id' }, doc: 'Property to sort by, or several joined by commas.' },
  sort_order: { schema: { type: 'string', enum: ['asc', 'desc'], default: 'asc' }, doc: 'Its direction.' },
  sort: { schema: { type: 'string' }, doc: 'Several properties to sort by: `a:asc,b:desc`, or `a,-b`.' },
  limit: { schema: COUNT, doc: 'Most resources; 0 gives the total alone.' },
  offset: { schema: COUNT, doc: 'Resources to pass over.' },
  page_size: { schema: COUNT, doc: 'Resources of a page; 0 is the usual size. The `Link` field has the next page.' },
  page_token: {
    schema: { type: 'string' },
    doc: 'Where a page begins: `next_page_token` of the page before, with the arguments that were sent for that one.',
  },
  search_field: { schema: TEXTS, doc: 'Properties whose filter is searched anywhere in the text.' },
  any_of: { schema: { type: 'boolean', default: false }, doc: 'Filters are joined by OR.' },
  ...SHAPE_PARAMETERS,
} as const satisfies QueryParameters;

/** Names that mean something in the query of a write. */
export const WRITE_PARAMETERS = {
  validate_only: { schema: { type: 'boolean', default: false }, doc: 'Do everything, answer, and take it back.' },
} as const satisfies QueryParameters;

/** What may follow the name of a property in a filter, behind two underscores: `level__gte=3`. */
export const FILTER_OPERATORS = {
  gt: 'more than this value',
  gte: 'this value or more',
  lt: 'less than this value',
  lte: 'this value or less',
  ne: 'another value; several: none of them',
  null: 'no value (`true`), or any (`false`)',
} as const;

export type FilterOperator = keyof typeof FILTER_OPERATORS;
