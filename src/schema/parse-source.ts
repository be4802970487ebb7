import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, type YAMLMap } from 'yaml';
import { isMap as isPlainMap, type PlainMap, type Reading } from './cursor.ts';
import type { Place, Places } from './places.ts';
import { type SourcePart, splitSource } from './split-source.ts';

/** Deeper nesting than any schema has; ends aliases that contain themselves. */
const MAX_DEPTH = 200;
/** Ends aliases that multiply ("billion laughs"). */
const MAX_NODES = 5_000_000;

interface Parsing {
  readonly places: Places;
  readonly report: (place: Place, path: string, detail: string) => void;
  readonly document: Document;
  readonly placeOf: (offset: number) => Place;
  nodes: number;
}

interface Origin {
  readonly file: string;
  readonly order: number;
  readonly lineOffset: number;
}

/**
 * The value of a YAML 1.2 or JSON text, as plain maps, lists and scalars whose places are remembered. What does not parse is reported; then the value is undefined.
 * `n`, `y`, `on` and `off` are texts. Aliases and merge keys are resolved, each use to an object of its own.
 */
export function parseSource(text: string, file: string, order: number, reading: Reading): unknown {
  const whole = { file, order, lineOffset: 0 };
  const parts = splitSource(text);
  const joined = parts && parseParts(parts, whole, reading);
  if (joined !== undefined) return joined;
  const { value, faults } = parseText(text, whole, reading);
  for (const { place, path, detail } of faults) reading.problems.report(place, path, detail);
  return faults.length > 0 ? undefined : value;
}

/** The whole out of its parts; undefined when one of them does not parse, so that the whole has to tell why. */
function parseParts(parts: readonly SourcePart[], whole: Origin, reading: Reading): unknown {
  const root: Record<string, unknown> = {};
  const rootKeys = new Map<string, Place>();
  for (const { key, isItems, lineOffset, text } of parts) {
    const { value, faults } = parseText(text, { ...whole, lineOffset }, reading);
    const own = isItems ? value : isPlainMap(value) ? value[key] : undefined;
    if (faults.length > 0 || (isItems && !Array.isArray(own)) || (!isItems && !isPlainMap(value))) return undefined;
    const place = { file: whole.file, order: whole.order, line: isItems ? lineOffset : lineOffset + 1, column: 1 };
    if (!rootKeys.has(key)) rootKeys.set(key, place);
    root[key] = Array.isArray(root[key]) && isItems ? append(root[key], own as unknown[], reading) : own;
  }
  reading.places.remember(root, { self: { ...whole, line: 1, column: 1 }, keys: rootKeys });
  return root;
}

function append(list: readonly unknown[], more: readonly unknown[], { places }: Reading): unknown[] {
  const joined = [...list, ...more];
  const [first] = list;
  const self = (typeof first === 'object' && first !== null && places.of(first)) || places.of(list);
  const keys = new Map<string, Place>();
  joined.forEach((_, index) => {
    const place = index < list.length ? places.of(list, String(index)) : places.of(more, String(index - list.length));
    if (place !== undefined) keys.set(String(index), place);
  });
  if (self !== undefined) places.remember(joined, { self, keys });
  return joined;
}

interface Fault {
  readonly place: Place;
  readonly path: string;
  readonly detail: string;
}

function parseText(
  text: string,
  { file, order, lineOffset }: Origin,
  reading: Reading,
): { readonly value: unknown; readonly faults: readonly Fault[] } {
  const lineCounter = new LineCounter();
  const document: Document = parseDocument(text, { lineCounter, version: '1.2', merge: true, prettyErrors: false });
  const placeOf = (offset: number): Place => {
    const { line, col } = lineCounter.linePos(offset);
    return { file, order, line: Math.max(line, 1) + lineOffset, column: Math.max(col, 1) };
  };
  const faults: Fault[] = [...document.errors, ...document.warnings].map(({ code, message, pos }) => {
    const key = /^[^\s:]{1,60}/.exec(text.slice(pos[0]))?.[0] ?? '';
    return { place: placeOf(pos[0]), path: '', detail: code === 'DUPLICATE_KEY' ? `the key ${key} is written twice in one map` : message };
  });
  if (faults.length > 0) return { value: undefined, faults };
  const report = (place: Place, path: string, detail: string): void => void faults.push({ place, path, detail });
  const value = toValue(document.contents, { places: reading.places, report, document, placeOf, nodes: 0 }, 0, placeOf(0));
  return { value, faults };
}

function toValue(node: Node | null | undefined, parsing: Parsing, depth: number, fallback: Place): unknown {
  const place = node?.range ? parsing.placeOf(node.range[0]) : fallback;
  parsing.nodes += 1;
  if (depth > MAX_DEPTH || parsing.nodes > MAX_NODES) {
    parsing.report(place, '', 'the document is nested too deeply, or its aliases make it too large');
    return undefined;
  }
  if (isAlias(node)) {
    const target = node.resolve(parsing.document);
    if (target === undefined) parsing.report(place, '', `there is no anchor &${node.source}`);
    return toValue(target, parsing, depth + 1, place);
  }
  if (isMap(node)) return toMap(node, parsing, depth, place);
  if (isSeq(node)) {
    const keys = new Map<string, Place>();
    const list = node.items.map((item, index) => {
      const child = item as Node | null;
      keys.set(String(index), child?.range ? parsing.placeOf(child.range[0]) : place);
      return toValue(child, parsing, depth + 1, place);
    });
    parsing.places.remember(list, { self: place, keys });
    return list;
  }
  if (!isScalar(node)) return null;
  return typeof node.value === 'bigint' ? String(node.value) : (node.value ?? null);
}

function toMap(node: YAMLMap, parsing: Parsing, depth: number, place: Place): Record<string, unknown> {
  const own: Record<string, unknown> = {};
  const merged: PlainMap[] = [];
  const keys = new Map<string, Place>();
  for (const pair of node.items as Pair<Node, Node | null>[]) {
    const keyPlace = pair.key?.range ? parsing.placeOf(pair.key.range[0]) : place;
    const value = toValue(pair.value, parsing, depth + 1, keyPlace);
    if (isScalar(pair.key) && typeof pair.key.value === 'symbol') {
      const bases: unknown[] = Array.isArray(value) ? value : [value];
      if (!bases.every(isPlainMap)) parsing.report(keyPlace, '<<', 'only a map, or a list of maps, can be merged in');
      merged.push(...bases.filter(isPlainMap));
      continue;
    }
    const key = isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
    if (key === '__proto__') {
      parsing.report(keyPlace, key, 'this name can not be used');
      continue;
    }
    keys.set(key, keyPlace);
    own[key] = value;
  }
  // Of several merged maps the first wins, and what is written in the map itself wins over all of them.
  const map = merged.length === 0 ? own : Object.assign({}, ...merged.toReversed(), own);
  parsing.places.remember(map, { self: place, keys });
  return map;
}
