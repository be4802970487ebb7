/** A template as it was parsed. `at` is a place in its source, for errors. */
export type Node =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'action'; readonly pipe: Pipe }
  | { readonly type: 'if' | 'with' | 'range'; readonly pipe: Pipe; readonly body: readonly Node[]; readonly otherwise: readonly Node[] }
  | { readonly type: 'template'; readonly name: string; readonly pipe: Pipe | undefined; readonly at: number }
  | { readonly type: 'break' | 'continue' };

/** `$x := first | second`: each command's result is the last argument of the next. */
export interface Pipe {
  /** Names of the variables that it sets, with their `$`: one, or of a range two. */
  readonly variables: readonly string[];
  /** `:=` and not `=`. */
  readonly isDeclaration: boolean;
  readonly commands: readonly Command[];
  readonly at: number;
}

/** An operand, or a function with its arguments. */
export interface Command {
  readonly operands: readonly [Operand, ...Operand[]];
  readonly at: number;
}

/** One value; `path` are the names of the fields that are taken from it. */
export type Operand =
  | { readonly type: 'literal'; readonly value: string | number | boolean | null; readonly at: number }
  | { readonly type: 'dot'; readonly path: readonly string[]; readonly at: number }
  | { readonly type: 'variable'; readonly name: string; readonly path: readonly string[]; readonly at: number }
  | { readonly type: 'function'; readonly name: string; readonly at: number }
  | { readonly type: 'pipe'; readonly pipe: Pipe; readonly path: readonly string[]; readonly at: number };

/** A parsed template: what it prints, and the templates that it defines, by name. */
export interface Template {
  readonly source: string;
  readonly nodes: readonly Node[];
  readonly defined: ReadonlyMap<string, readonly Node[]>;
}
