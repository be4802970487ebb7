import type { FieldError } from '../lib/errors.ts';
import { type Place, toPlaceText } from './places.ts';

/** Collects everything that is wrong with schema files, so that all of it is told at once. */
export interface Problems {
  /** `path` is the way to the value inside its file: `schemas[0].schema.properties.id`. */
  report(place: Place, path: string, detail: string): void;
  /** In the order of the files, each problem once; the pointer is `file:line:column path`. */
  errors(): readonly FieldError[];
}

export function collectProblems(): Problems {
  const found: { readonly place: Place; readonly path: string; readonly detail: string }[] = [];
  return {
    report: (place, path, detail) => void found.push({ place, path, detail }),
    errors() {
      const sorted = found.toSorted(
        (a, b) => a.place.order - b.place.order || a.place.line - b.place.line || a.place.column - b.place.column,
      );
      const told = new Map(sorted.map(({ place, path, detail }) => [`${toPlaceText(place)} ${path}\n${detail}`, { place, path, detail }]));
      return [...told.values()].map(({ place, path, detail }) => ({
        pointer: `${toPlaceText(place)}${path === '' ? '' : ` ${path}`}`,
        detail,
      }));
    },
  };
}
