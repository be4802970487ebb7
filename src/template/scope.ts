import type { Value } from './values.ts';

/** The names that are known at a place of a template: its own, and behind them those around it. */
export interface Scope {
  has(name: string): boolean;
  get(name: string): Value;
  set(name: string, value: Value): void;
  names(): Iterable<string>;
  /** A scope inside: what is set there is not seen outside. */
  inner(own?: Iterable<readonly [string, Value]>): Scope;
  /** Only these names, in the same rendering. */
  apart(own: Iterable<readonly [string, Value]>): Scope;
  readonly render: Render;
}

/** What one rendering shares, and how deep it may nest. */
export interface Render {
  readonly isEscaping: boolean;
  /** Blocks that a template puts in place of those of the one that it extends, outermost heir first. */
  readonly blocks: ReadonlyMap<string, readonly ((scope: Scope) => string)[]>;
  readonly depth: number;
}

export const MAX_DEPTH = 100;

export function createScope(own: Iterable<readonly [string, Value]>, render: Render, outer?: Scope): Scope {
  const values = new Map(own);
  const self: Scope = {
    has: (name) => values.has(name) || outer?.has(name) === true,
    get: (name) => (values.has(name) ? values.get(name) : outer?.get(name)),
    set: (name, value) => void values.set(name, value),
    names: () => [...values.keys(), ...(outer?.names() ?? [])],
    inner: (more = []) => createScope(more, render, self),
    apart: (more) => createScope(more, render),
    render,
  };
  return self;
}

/** The same names in a rendering that differs in something. */
export function withRender(scope: Scope, change: Partial<Render>): Scope {
  return createScope([], { ...scope.render, ...change }, scope);
}
