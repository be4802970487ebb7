import { type Expression, parseExpression, parseWhole } from './expression.ts';
import type { CompiledFile, Node, Reader, TagReader } from './reader.ts';
import { MAX_DEPTH, type Scope, withRender } from './scope.ts';
import { Macro, SafeText, toText, type Value } from './values.ts';
import { describe, type Words } from './words.ts';

/** Tags that name things, and those that bring in other templates. */
export const FILE_TAGS: Readonly<Record<string, TagReader>> = {
  set: readSet,
  with: readWith,
  macro: readMacro,
  import: readImport,
  include: readInclude,
  extends: readExtends,
  block: readBlock,
};

function readSet(words: Words, reader: Reader): Node {
  const name = words.name('a name');
  words.expect('=');
  const value = parseWhole(words, reader.language);
  return (scope) => {
    scope.set(name, value(scope));
    return '';
  };
}

/** `a=1 b=2`, or `1 as a`. */
function readPairs(words: Words, reader: Reader, ends: readonly string[] = []): readonly (readonly [string, Expression])[] {
  const pairs: (readonly [string, Expression])[] = [];
  while (!words.isDone() && !ends.includes(words.peek()?.text ?? '')) {
    if (words.peek()?.kind === 'name' && words.peek(1)?.text === '=') {
      const name = words.name('a name');
      words.expect('=');
      pairs.push([name, parseExpression(words, reader.language)]);
    } else {
      const value = parseExpression(words, reader.language);
      words.expect('as');
      pairs.push([words.name('a name'), value]);
    }
    if (!words.take(',')) words.take('and');
  }
  return pairs;
}

function toEntries(pairs: readonly (readonly [string, Expression])[], scope: Scope): readonly (readonly [string, Value])[] {
  return pairs.map(([name, value]) => [name, value(scope)]);
}

function readWith(words: Words, reader: Reader): Node {
  const pairs = readPairs(words, reader);
  const { body } = reader.until('endwith');
  return (scope) => body(scope.inner(toEntries(pairs, scope)));
}

/** `macro name(a, b="x")`; pongo2's `export` may stand behind it. */
function readMacro(words: Words, reader: Reader): Node {
  const name = words.name('the name of the macro');
  const parameters: { readonly name: string; readonly fallback: Expression | undefined }[] = [];
  words.expect('(');
  while (!words.take(')')) {
    const parameter = words.name('the name of a parameter');
    parameters.push({ name: parameter, fallback: words.take('=') ? parseExpression(words, reader.language) : undefined });
    if (words.peek()?.text !== ')') words.expect(',');
  }
  words.take('export');
  if (!words.isDone()) throw words.fail(`found ${describe(words.peek())} behind the parameters of a macro`);
  const { body } = reader.until('endmacro');
  const node: Node = (scope) => {
    const macro = new Macro((given, named, depth) => {
      const own = parameters.map(({ name: key, fallback }, index): readonly [string, Value] => [
        key,
        index < given.length ? given[index] : named.has(key) ? named.get(key) : fallback?.(scope),
      ]);
      return new SafeText(body(withRender(scope, { depth }).inner(own)));
    });
    scope.set(name, macro);
    return '';
  };
  reader.definitions.push(node);
  return node;
}

/** `import "file" one, two as other`. */
function readImport(words: Words, reader: Reader): Node {
  const file = reader.load(readName(words), words);
  const names: { readonly name: string; readonly as: string }[] = [];
  while (!words.isDone()) {
    const name = words.name('the name of a macro');
    names.push({ name, as: words.take('as') ? words.name('a name') : name });
    if (!words.isDone()) words.expect(',');
  }
  const node: Node = (scope) => {
    const own = scope.apart([]);
    for (const define of file.definitions) define(own);
    for (const { name, as } of names) {
      if (!own.has(name)) throw words.fail(`there is no macro '${name}' in that file`);
      scope.set(as, own.get(name));
    }
    return '';
  };
  reader.definitions.push(node);
  return node;
}

/** `include "file" with a=1 only`; `if_exists` lets it be missing. A name that is no text in quotes is looked up when it is reached. */
function readInclude(words: Words, reader: Reader): Node {
  const isFixed = words.peek()?.kind === 'text';
  const fixed = isFixed ? readName(words) : undefined;
  const name = fixed === undefined ? parseExpression(words, reader.language) : undefined;
  const mayBeMissing = words.take('if_exists');
  const pairs = words.take('with') ? readPairs(words, reader, ['only']) : [];
  const isAlone = words.take('only');
  if (!words.isDone()) throw words.fail(`found ${describe(words.peek())} behind an include`);
  // Compiled when it is reached, so that a template may include itself under a condition.
  const load = (scope: Scope): CompiledFile | undefined => {
    const wanted = fixed ?? toText(name?.(scope));
    if (mayBeMissing && reader.language.load(wanted, reader.file) === undefined) return undefined;
    return reader.load(wanted, words);
  };
  return (scope) => {
    const { depth } = scope.render;
    if (depth > MAX_DEPTH) throw words.fail(`templates include one another more than ${MAX_DEPTH} deep`);
    const own = toEntries(pairs, scope);
    const file = load(scope);
    if (file === undefined) return '';
    return renderFile(file, withRender(isAlone ? scope.apart(own) : scope.inner(own), { depth: depth + 1, blocks: new Map() }));
  };
}

function readExtends(words: Words, reader: Reader): Node {
  const file = reader.load(readName(words), words);
  reader.parent = () => file;
  return () => '';
}

function readBlock(words: Words, reader: Reader): Node {
  const name = words.name('the name of the block');
  if (reader.blocks.has(name)) throw words.fail(`there is a block '${name}' already`);
  const { body } = reader.until('endblock');
  reader.blocks.set(name, body);
  return (scope) => {
    const chain = [...(scope.render.blocks.get(name) ?? []), body];
    const renderAt = (index: number): string =>
      chain[index]?.(
        scope.inner([
          [
            'block',
            {
              get super() {
                return new SafeText(renderAt(index + 1));
              },
              get Super() {
                return new SafeText(renderAt(index + 1));
              },
            },
          ],
        ]),
      ) ?? '';
    return renderAt(0);
  };
}

function readName(words: Words): string {
  const word = words.next();
  if (word?.kind !== 'text') throw words.fail(`expected the name of a file in quotes, found ${describe(word)}`);
  return word.text;
}

/** The text of a template: its own, or that of the one that it extends, with its blocks in place of the other's. */
export function renderFile(file: CompiledFile, scope: Scope): string {
  if (file.parent === undefined) return file.body(scope);
  for (const define of file.definitions) define(scope);
  const blocks = new Map(scope.render.blocks);
  for (const [name, body] of file.blocks) blocks.set(name, [...(blocks.get(name) ?? []), body]);
  return renderFile(file.parent(scope), withRender(scope, { blocks }));
}
