import type { FieldError } from '../lib/errors.ts';
import type { Place } from './config-node.ts';

interface Problem extends FieldError {
  readonly place: Place;
}

/** Collects everything that is wrong with a configuration, so that all of it is told at once. Keys are written as paths: `admin.basic_auth.users[0].password`. */
export interface Problems {
  /** In the order of the file. */
  errors(): readonly FieldError[];
  readonly warnings: readonly string[];
  /** Remembers where `path` stands. */
  mark(path: string, place: Place): void;
  /** Whether the key is written. */
  isMarked(path: string): boolean;
  /** `file:line:column` of a key, or of the nearest key above it that is written. */
  placeOf(path: string): string;
  report(path: string, detail: string): void;
  warn(path: string, text: string): void;
}

/** `file` is the name that users know the source by. */
export function collectProblems(file: string): Problems {
  const errors: Problem[] = [];
  const warnings: string[] = [];
  const places = new Map<string, Place>();
  const find = (path: string): Place => {
    const known = ancestry(path).find((candidate) => places.has(candidate));
    return places.get(known ?? '') ?? { line: 1, column: 1 };
  };
  const placeOf = (path: string): string => {
    const { line, column } = find(path);
    return `${file}:${line}:${column}`;
  };
  return {
    errors: () =>
      errors
        .toSorted((a, b) => a.place.line - b.place.line || a.place.column - b.place.column)
        .map(({ pointer, detail }) => ({ pointer, detail })),
    warnings,
    mark: (path, place) => void places.set(path, place),
    isMarked: (path) => places.has(path),
    placeOf,
    report: (path, detail) => void errors.push({ place: find(path), pointer: `${placeOf(path)} ${path}`, detail }),
    warn: (path, text) => void warnings.push(`${placeOf(path)} ${path}: ${text}`),
  };
}

/** `a.b[0].c` → itself, `a.b[0]`, `a.b`, `a`. */
function ancestry(path: string): string[] {
  const ends = [...path.matchAll(/[.[]/g)].map((match) => match.index);
  return [path, ...ends.toReversed().map((end) => path.slice(0, end))];
}
