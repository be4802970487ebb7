/** Tells one problem of a value; `sub` is the pointer inside the field (`/0`). */
export type Report = (detail: string, sub?: string) => void;

/** What a field of an entity may hold. One table of these (`KINDS`) drives validation, OpenAPI, the command line's help and redaction. */
export interface FieldRule {
  readonly type: 'string' | 'strings' | 'boolean' | 'integer' | 'duration' | 'json';
  readonly doc: string;
  /** True: a value that is not empty has to be given. `cli`: only the command line asks for it. */
  readonly required?: true | 'cli';
  readonly default?: string | number | boolean | readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  /** The only values allowed. */
  readonly values?: readonly string[];
  /** What is shown in place of the value. */
  readonly redact?: string;
  /** Set by the gateway: accepted, so that an answer can be sent back, and ignored. */
  readonly isReadOnly?: true;
  readonly example?: string;
  /** Rules beyond type and bounds; the value has the field's type. */
  readonly check?: (value: never, report: Report) => void;
}

/** A kind of entity. */
export interface KindRule {
  readonly doc: string;
  readonly plural: string;
  /** Short names for the command line. */
  readonly aliases: readonly string[];
  /** The field that names it inside its namespace. */
  readonly key: 'name' | 'id';
  readonly fields: Readonly<Record<string, FieldRule>>;
}

/** Names of HTTP methods that a route may list; `*` stands for all of them. */
export const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'CONNECT', 'TRACE'] as const;
