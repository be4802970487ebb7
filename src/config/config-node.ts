/** Line and column, both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A parsed configuration in which every value still knows where it stood. Aliases and merge keys are resolved. */
export type ConfigNode = MapNode | ListNode | ScalarNode;

export interface MapNode extends Place {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, MapEntry>;
}

/** A value with the place of its key. */
export interface MapEntry extends Place {
  readonly value: ConfigNode;
}

interface ListNode extends Place {
  readonly kind: 'list';
  readonly items: readonly ConfigNode[];
}

export interface ScalarNode extends Place {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** As written, for texts that look like something else (`version: 1.10`). */
  readonly source: string;
}
