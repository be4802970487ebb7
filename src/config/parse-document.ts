import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import { type FieldError, SekishoError } from '../lib/errors.ts';
import type { ConfigNode, MapEntry, MapNode, Place } from './config-node.ts';

/** Deeper nesting than any configuration has; ends aliases that contain themselves. */
const MAX_DEPTH = 100;
/** Ends aliases that multiply ("billion laughs"). */
const MAX_NODES = 2_000_000;

interface Parsing {
  readonly document: Document;
  readonly placeOf: (offset: number) => Place;
  readonly file: string;
  nodes: number;
}

/** The tree of a YAML 1.2 or JSON text whose root is a map; an empty text is an empty map. Throws CONFIG_SYNTAX with every place that does not parse. */
export function parseConfig(text: string, file: string): MapNode {
  const lineCounter = new LineCounter();
  const document: Document = parseDocument(text, { lineCounter, version: '1.2', merge: true, prettyErrors: false });
  const placeOf = (offset: number): Place => {
    const { line, col } = lineCounter.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0)
    throw syntaxError(
      file,
      faults.map((fault) => toFieldError(file, placeOf(fault.pos[0]), toDetail(fault, text))),
    );
  const parsing: Parsing = { document, placeOf, file, nodes: 0 };
  if (document.contents === null) return { kind: 'map', entries: new Map(), line: 1, column: 1 };
  const root = toConfigNode(document.contents, parsing, 0);
  if (root.kind === 'map') return root;
  if (root.kind === 'scalar' && root.value === null) return { kind: 'map', entries: new Map(), line: 1, column: 1 };
  throw syntaxError(file, [
    toFieldError(
      file,
      root,
      `found a ${root.kind === 'list' ? 'list' : 'single value'}, expected a map of settings such as \`version: v1\``,
    ),
  ]);
}

function toDetail({ code, message, pos }: YAMLError, text: string): string {
  if (code !== 'DUPLICATE_KEY') return message;
  return `the key ${/^[^\s:]{1,60}/.exec(text.slice(pos[0]))?.[0] ?? ''} is written twice in one map`;
}

function syntaxError(file: string, errors: readonly FieldError[]): SekishoError {
  return new SekishoError('CONFIG_SYNTAX', `${file} is not valid YAML or JSON`, { errors });
}

function toFieldError(file: string, place: Place, detail: string): FieldError {
  return { pointer: `${file}:${place.line}:${place.column}`, detail };
}

function toConfigNode(
  node: Node | null | undefined,
  parsing: Parsing,
  depth: number,
  fallback: Place = { line: 1, column: 1 },
): ConfigNode {
  const place = node?.range ? parsing.placeOf(node.range[0]) : fallback;
  parsing.nodes += 1;
  if (depth > MAX_DEPTH || parsing.nodes > MAX_NODES) {
    throw syntaxError(parsing.file, [
      toFieldError(parsing.file, place, 'the document is nested too deeply or its aliases make it too large'),
    ]);
  }
  if (isAlias(node)) return { ...toConfigNode(node.resolve(parsing.document), parsing, depth + 1, place), ...place };
  if (isMap(node)) return { kind: 'map', entries: toEntries(node, parsing, depth), ...place };
  if (isSeq(node))
    return { kind: 'list', items: node.items.map((item) => toConfigNode(item as Node | null, parsing, depth + 1, place)), ...place };
  if (isScalar(node)) {
    const value = toPlainValue(node.value);
    return { kind: 'scalar', value, source: node.source ?? String(value ?? ''), ...place };
  }
  return { kind: 'scalar', value: null, source: '', ...place };
}

function toPlainValue(value: unknown): string | number | boolean | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return typeof value === 'bigint' ? value.toString() : JSON.stringify(value);
}

function toEntries(map: YAMLMap, parsing: Parsing, depth: number): Map<string, MapEntry> {
  const merged: [string, MapEntry][] = [];
  const own: [string, MapEntry][] = [];
  for (const pair of map.items as Pair<Node, Node | null>[]) {
    const place = pair.key?.range ? parsing.placeOf(pair.key.range[0]) : { line: 1, column: 1 };
    const value = toConfigNode(pair.value, parsing, depth + 1, place);
    if (isScalar(pair.key) && typeof pair.key.value === 'symbol') merged.push(...mergedEntries(value));
    else own.push([isScalar(pair.key) ? String(pair.key.value) : String(pair.key), { value, ...place }]);
  }
  return new Map([...merged, ...own]);
}

/** What `<<: *base` or `<<: [*a, *b]` brings in; of several, the first one wins. */
function mergedEntries(node: ConfigNode): [string, MapEntry][] {
  if (node.kind === 'map') return [...node.entries];
  return node.kind === 'list' ? node.items.toReversed().flatMap(mergedEntries) : [];
}
