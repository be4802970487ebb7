import type { Value } from './values.ts';

/** What stands behind a bar: `{{ value|name:argument }}`. */
export interface Filter {
  readonly apply: (value: Value, argument: Value) => Value;
  /** Its line in the reference. */
  readonly doc: string;
  /** It is there for values that there are not. */
  readonly acceptsNothing?: true;
  /** `autoescape` leaves its result as it is. */
  readonly isSafe?: true;
}

export type Filters = Readonly<Record<string, Filter>>;
