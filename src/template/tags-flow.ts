import { type Expression, parseExpression, parseWhole } from './expression.ts';
import type { Node, Reader, TagReader } from './reader.ts';
import { toOutput } from './reader.ts';
import type { Scope } from './scope.ts';
import { compare, isEqual, isMap, isTrue, lookup, toItems, type Value } from './values.ts';
import { describe, type Words } from './words.ts';

/** Tags that choose and repeat. */
export const FLOW_TAGS: Readonly<Record<string, TagReader>> = {
  if: readIf,
  ifequal: (words, reader) => readComparison(words, reader, { end: 'endifequal', isNegated: false }),
  ifnotequal: (words, reader) => readComparison(words, reader, { end: 'endifnotequal', isNegated: true }),
  ifchanged: readIfChanged,
  for: readFor,
  cycle: readCycle,
  firstof: readFirstOf,
};

function readIf(words: Words, reader: Reader): Node {
  const choices: { condition: Expression; body: Node }[] = [];
  let condition: Expression | undefined = parseWhole(words, reader.language, true);
  let otherwise: Node | undefined;
  for (;;) {
    const ends: string[] = condition === undefined ? ['endif'] : ['elif', 'elseif', 'else', 'endif'];
    const { body, end, words: behind } = reader.until(...ends);
    if (condition === undefined) otherwise = body;
    else choices.push({ condition, body });
    if (end === 'endif') break;
    condition = end === 'else' ? undefined : parseWhole(behind, reader.language, true);
  }
  return (scope) => {
    const chosen = choices.find(({ condition: holds }) => isTrue(holds(scope)));
    return (chosen?.body ?? otherwise)?.(scope.inner()) ?? '';
  };
}

function readComparison(words: Words, reader: Reader, { end, isNegated }: { readonly end: string; readonly isNegated: boolean }): Node {
  const [left, right] = [parseExpression(words, reader.language, true), parseWhole(words, reader.language, true)];
  const { yes, no } = readBranches(reader, end);
  return (scope) => (isEqual(left(scope), right(scope)) === isNegated ? no : yes)(scope);
}

/** Without values: whether what is inside comes out otherwise than the last time. */
function readIfChanged(words: Words, reader: Reader): Node {
  const watched: Expression[] = [];
  while (!words.isDone()) watched.push(parseExpression(words, reader.language, true));
  const { yes, no } = readBranches(reader, 'endifchanged');
  const last = new WeakMap<object, readonly Value[]>();
  return (scope) => {
    const text = watched.length === 0 ? yes(scope) : undefined;
    const now = text === undefined ? watched.map((value) => value(scope)) : [text];
    const run = runOf(scope);
    const before = last.get(run);
    last.set(run, now);
    if (before !== undefined && now.every((value, index) => isEqual(value, before[index]))) return no(scope);
    return text ?? yes(scope);
  };
}

function readBranches(reader: Reader, end: string): { readonly yes: Node; readonly no: Node } {
  const first = reader.until('else', end);
  const other = first.end === 'else' ? reader.until(end).body : () => '';
  return { yes: first.body, no: other };
}

/** The object that stands for one run of the innermost loop: what a tag remembers from one item to the next hangs on it. */
const RUN = '\u0000run';

function runOf(scope: Scope): object {
  const run = scope.get(RUN);
  return typeof run === 'object' && run !== null ? run : scope.render;
}

/** `for x in list`, `for key, value in map`, with `reversed` and `sorted`. */
function readFor(words: Words, reader: Reader): Node {
  const names = [words.name('the name of the item')];
  while (words.take(',')) names.push(words.name('the name of the value'));
  words.expect('in');
  const source = parseExpression(words, reader.language);
  let [isReversed, isSorted] = [false, false];
  while (!words.isDone()) {
    if (words.take('reversed')) isReversed = true;
    else if (words.take('sorted')) isSorted = true;
    else throw words.fail(`found ${describe(words.peek())}, allowed behind a list are reversed and sorted`);
  }
  const { body, end } = reader.until('empty', 'endfor');
  const empty = end === 'empty' ? reader.until('endfor').body : undefined;
  return (scope) => {
    const value = source(scope);
    const plain = toItems(value);
    const sorted = isSorted ? plain.toSorted(compare) : plain;
    const items = isReversed ? sorted.toReversed() : sorted;
    if (items.length === 0) return empty?.(scope) ?? '';
    const run = {};
    const parentloop = scope.get('forloop');
    let text = '';
    items.forEach((item, index) => {
      const loop = toLoop(index, items.length, parentloop);
      text += body(scope.inner([...toNames(names, item, value, index), ['forloop', loop], [RUN, run]]));
    });
    return text;
  };
}

/** Two names take key and value of a map, index and item of a list; several take the parts of an item that is a list itself. */
function toNames(names: readonly string[], item: Value, source: Value, index: number): readonly (readonly [string, Value])[] {
  const [first = '', second] = names;
  if (second === undefined) return [[first, item]];
  if (isMap(source)) {
    return [
      [first, item],
      [second, lookup(source, item)],
    ];
  }
  if (Array.isArray(item)) return names.map((name, at) => [name, item[at] as Value]);
  return [
    [first, index],
    [second, item],
  ];
}

/** `forloop` in Django's and in pongo2's spelling. */
function toLoop(index: number, length: number, parentloop: Value): Readonly<Record<string, Value>> {
  const [first, last] = [index === 0, index === length - 1];
  return {
    counter: index + 1,
    counter0: index,
    revcounter: length - index,
    revcounter0: length - index - 1,
    first,
    last,
    parentloop,
    Counter: index + 1,
    Counter0: index,
    Revcounter: length - index,
    Revcounter0: length - index - 1,
    First: first,
    Last: last,
    Parentloop: parentloop,
  };
}

/** `cycle a b c`, `cycle a b as name` and `… silent`: the next of them for every item of the loop. */
function readCycle(words: Words, reader: Reader): Node {
  const values: Expression[] = [];
  while (!words.isDone() && words.peek()?.text !== 'as') values.push(parseExpression(words, reader.language));
  if (values.length === 0) throw words.fail('cycle needs values');
  const name = words.take('as') ? words.name('a name') : undefined;
  const isSilent = words.take('silent');
  const counts = new WeakMap<object, number>();
  return (scope) => {
    const run = runOf(scope);
    const count = counts.get(run) ?? 0;
    counts.set(run, count + 1);
    const value = values[count % values.length]?.(scope);
    if (name !== undefined) scope.set(name, value);
    return isSilent ? '' : toOutput(value, scope);
  };
}

function readFirstOf(words: Words, reader: Reader): Node {
  const values: Expression[] = [];
  while (!words.isDone()) values.push(parseExpression(words, reader.language, true));
  return (scope) => {
    for (const value of values) {
      const found = value(scope);
      if (isTrue(found)) return toOutput(found, scope);
    }
    return '';
  };
}
