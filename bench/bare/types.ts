export type Row = Readonly<Record<string, unknown>>;

/** What the least server asks of a database: statements that are prepared once, and answers that need no more than `JSON.stringify`. */
export interface Bare {
  item(id: string): Promise<unknown>;
  items(status: string, limit: number): Promise<{ readonly items: readonly unknown[]; readonly total: unknown }>;
  /** A crate with its rack embedded, of one joined statement. */
  crate(id: string): Promise<unknown>;
  /** A parcel with its JSON columns as values. */
  parcel(id: string): Promise<unknown>;
  /** One transaction with the row and its event row. */
  create(item: Row): Promise<void>;
}

export interface BareOptions {
  readonly connection: string;
  /** Whose rows are asked for. */
  readonly tenant: string;
}
