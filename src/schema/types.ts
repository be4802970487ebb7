/** JSON Schema as schema files have it: an object, already merged with its bases. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export type PropertyType = 'string' | 'integer' | 'number' | 'boolean' | 'object' | 'array' | 'null';

/** Everything that schema files define, compiled. Immutable: a reload makes another set. */
export interface SchemaSet {
  /** Resource types by schema id, in load order (a type after those that it refers to, where there is no cycle). */
  readonly resources: ReadonlyMap<string, ResourceType>;
  readonly groups: readonly SchemaGroup[];
  readonly policies: readonly PolicySource[];
  readonly extensions: readonly ExtensionSource[];
  /** Absolute paths of all files that were read. */
  readonly files: readonly string[];
}

/** A schema group (Gohan's namespace): a URL prefix for schemas. */
export interface SchemaGroup {
  readonly id: string;
  readonly parent: string | undefined;
  /** With the prefixes of the ancestors: `/shop/v1.0`. */
  readonly fullPrefix: string;
  readonly prefix: string;
}

/** One schema, compiled. Abstract schemas do not become one. */
export interface ResourceType {
  readonly id: string;
  readonly singular: string;
  readonly plural: string;
  readonly title: string;
  readonly description: string;
  readonly group: string | undefined;
  readonly prefix: string;
  /** Short URL of the collection, percent-encoded: `/v2.0/networks`. */
  readonly url: string;
  /** Ancestors for the long URL, outermost first; empty without a parent. */
  readonly ancestors: readonly { readonly schemaId: string; readonly plural: string }[];
  /** Long URL pattern with `{schema_id}` params; equal to `url` without a parent. */
  readonly longUrl: string;
  readonly parent: string | undefined;
  /** `<parent>_id`, when there is a parent. */
  readonly parentProperty: string | undefined;
  readonly onParentDeleteCascade: boolean;
  /** Database table: `<id>s` (legacy names) or the plural. */
  readonly table: string;
  /** Earlier name of its table, for migrations. */
  readonly renamedFrom: string | undefined;
  /** In propertiesOrder. */
  readonly properties: readonly Property[];
  readonly propertyByName: ReadonlyMap<string, Property>;
  /** Merged JSON schema, for the schema API and documentation. */
  readonly jsonSchema: JsonSchema;
  /** What create and update bodies must keep (only properties with that permission). */
  readonly createSchema: JsonSchema;
  readonly updateSchema: JsonSchema;
  readonly indexes: readonly Index[];
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly actions: ReadonlyMap<string, Action>;
  readonly isolationLevels: Readonly<Record<string, IsolationLevel>>;
  readonly lockingPolicy: { readonly update: LockPolicy; readonly delete: LockPolicy };
  readonly noSync: boolean;
  readonly stateVersioning: boolean;
  /** `metadata.type: metaschema`: Gohan's own schemas. */
  readonly isMeta: boolean;
  /** `file:line:column`. */
  readonly place: string;
}

export type IsolationLevel = 'READ UNCOMMITTED' | 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE';
export type LockPolicy = 'none' | 'lock_related' | 'skip_related';

/** A first-level property, which is a column. */
export interface Property {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** The type without `null`; of several the last decides. */
  readonly type: PropertyType;
  /** The type list has `null`. */
  readonly isNullable: boolean;
  /** The column may be NULL (nullable, or neither required nor defaulted). */
  readonly isColumnNullable: boolean;
  readonly isUnique: boolean;
  readonly isIndexed: boolean;
  readonly mayCreate: boolean;
  readonly mayUpdate: boolean;
  readonly format: string | undefined;
  /** Literal column type. */
  readonly sql: string | undefined;
  /** What an absent value becomes on create: the default, or the object built from the defaults of sub-properties. Undefined: nothing. */
  readonly defaultValue: unknown;
  readonly relation: Relation | undefined;
  /** Earlier name of the column, for migrations. */
  readonly renamedFrom: string | undefined;
  readonly schema: JsonSchema;
}

export interface Relation {
  /** Related schema id; it may be missing from the set, then there is no foreign key and nothing to embed. */
  readonly schemaId: string;
  /** Referenced column. */
  readonly column: string;
  /** Name under which the related resource is embedded. */
  readonly embedAs: string | undefined;
  readonly onDeleteCascade: boolean;
}

export interface Index {
  readonly name: string;
  readonly columns: readonly string[];
  readonly type: 'unique' | 'fulltext' | 'spatial' | '';
}

export interface Action {
  readonly id: string;
  readonly method: string;
  /** Relative to the schema's URL: `/:id/name` or `/name`. */
  readonly path: string;
  readonly input: JsonSchema | undefined;
  readonly output: JsonSchema | undefined;
  readonly parameters: Readonly<Record<string, unknown>> | undefined;
  readonly description: string;
  readonly protocol: string;
  readonly hasResponseOwnership: boolean;
}

/** A policy as files have it, shape checked, with its place for errors. */
export interface PolicySource {
  readonly id: string;
  readonly description: string;
  readonly principal: string;
  readonly action: string;
  readonly effect: 'allow' | 'deny';
  readonly path: string;
  readonly properties: readonly string[] | undefined;
  readonly blacklistProperties: readonly string[] | undefined;
  readonly tenantId: string | undefined;
  readonly tenantName: string | undefined;
  readonly scope: readonly ('tenant' | 'domain' | 'admin')[];
  /** As written: strings and maps; the policy layer compiles them. */
  readonly condition: readonly unknown[];
  readonly relationProperty: string | undefined;
  readonly targetCondition: readonly unknown[] | undefined;
  readonly place: string;
}

export interface ExtensionSource {
  readonly id: string;
  readonly path: string;
  readonly codeType: string;
  readonly code: string;
  /** Absolute path of the file that the code was read from; undefined when it stands in the schema file. */
  readonly file: string | undefined;
  /** Lines of `code` that stand in the schema file, ahead of those of `file`. */
  readonly linesAhead: number;
  readonly place: string;
}
