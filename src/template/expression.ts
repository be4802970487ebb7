import { nearest } from '../lib/nearest.ts';
import type { Filter } from './filter.ts';
import { MAX_DEPTH, type Scope } from './scope.ts';
import { compare, contains, isEqual, isTrue, lookup, Macro, SafeText, toNumber, toText, type Value } from './values.ts';
import { describe, type Words } from './words.ts';

/** A compiled expression. */
export type Expression = (scope: Scope) => Value;

/** What expressions are compiled with. */
export interface Language {
  readonly filters: Readonly<Record<string, Filter>>;
}

type Binary = (left: Value, right: Value) => Value;

const COMPARISONS: Readonly<Record<string, Binary>> = {
  '==': isEqual,
  '!=': (a, b) => !isEqual(a, b),
  '<>': (a, b) => !isEqual(a, b),
  '<': (a, b) => compare(a, b) < 0,
  '>': (a, b) => compare(a, b) > 0,
  '<=': (a, b) => compare(a, b) <= 0,
  '>=': (a, b) => compare(a, b) >= 0,
  in: (a, b) => contains(b, a),
};
const SUMS: Readonly<Record<string, Binary>> = { '+': add, '-': (a, b) => toNumber(a) - toNumber(b) };
const PRODUCTS: Readonly<Record<string, Binary>> = {
  '*': (a, b) => toNumber(a) * toNumber(b),
  '/': (a, b) => (toNumber(b) === 0 ? undefined : toNumber(a) / toNumber(b)),
  '%': (a, b) => (toNumber(b) === 0 ? undefined : toNumber(a) % toNumber(b)),
};
const CONSTANTS: ReadonlyMap<string, Value> = new Map([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['nil', null],
  ['none', null],
  ['None', null],
]);

/** Numbers are added, everything else is put together. */
export function add(a: Value, b: Value): Value {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  if (Array.isArray(a) && Array.isArray(b)) return [...(a as Value[]), ...(b as Value[])];
  return toText(a) + toText(b);
}

/**
 * `or`, `and`, `not`, comparisons, sums and products, then values with their filters: the expressions of Django's templates with pongo2's arithmetic.
 * A condition (`isLenient`) may ask for names that there are not.
 */
export function parseExpression(words: Words, language: Language, isLenient = false): Expression {
  const or = (): Expression => {
    let left = and();
    while (words.take('or') || words.take('||')) {
      const [a, b] = [left, and()];
      left = (scope) => {
        const first = a(scope);
        return isTrue(first) ? first : b(scope);
      };
    }
    return left;
  };
  const and = (): Expression => {
    let left = not();
    while (words.take('and') || words.take('&&')) {
      const [a, b] = [left, not()];
      left = (scope) => {
        const first = a(scope);
        return isTrue(first) ? b(scope) : first;
      };
    }
    return left;
  };
  const not = (): Expression => {
    if (!words.take('not') && !words.take('!')) return comparison();
    const inner = not();
    return (scope) => !isTrue(inner(scope));
  };
  const comparison = (): Expression => {
    const left = binary(SUMS, () => binary(PRODUCTS, signed));
    const isNegated = words.peek()?.text === 'not' && words.peek(1)?.text === 'in' && words.take('not');
    const sign = words.peek();
    const operator = sign === undefined || sign.kind === 'text' ? undefined : own(COMPARISONS, sign.text);
    if (operator === undefined) return left;
    words.next();
    const right = binary(SUMS, () => binary(PRODUCTS, signed));
    return (scope) => operator(left(scope), right(scope)) !== isNegated;
  };
  const binary = (operators: Readonly<Record<string, Binary>>, operand: () => Expression): Expression => {
    let left = operand();
    for (;;) {
      const sign = words.peek();
      const operator = sign?.kind === 'sign' ? own(operators, sign.text) : undefined;
      if (operator === undefined) return left;
      words.next();
      const [a, b] = [left, operand()];
      left = (scope) => operator(a(scope), b(scope));
    }
  };
  const signed = (): Expression => {
    if (!words.take('-')) return filtered();
    const inner = filtered();
    return (scope) => -toNumber(inner(scope));
  };
  const filtered = (): Expression => parseFilters(words, language, parseValue(words, language, isLenient, or));
  return or();
}

/** `|filter:argument|…` behind a value; without the first bar when `isBare`. */
export function parseFilters(words: Words, language: Language, start: (isLenient: boolean) => Expression, isBare = false): Expression {
  const steps: { filter: Filter; argument: Expression | undefined }[] = [];
  for (let hasMore = isBare || words.take('|'); hasMore; hasMore = words.take('|')) {
    const name = words.name('the name of a filter');
    const filter = own(language.filters, name);
    if (filter === undefined) {
      const meant = nearest(name, Object.keys(language.filters));
      const known = Object.keys(language.filters).toSorted((a, b) => (a < b ? -1 : 1));
      throw words.fail(`unknown filter '${name}'${meant === undefined ? '' : `; did you mean ${meant}?`} Known are ${known.join(', ')}`);
    }
    const argument = words.take(':') ? parseValue(words, language, false)(false) : undefined;
    steps.push({ filter, argument });
  }
  // `default` is there for what there is not.
  const value = start(steps.some(({ filter }) => filter.acceptsNothing === true));
  return steps.reduce<Expression>(
    (inner, { filter, argument }) =>
      (scope) => {
        const result = filter.apply(inner(scope), argument?.(scope));
        return typeof result === 'string' && filter.isSafe === true ? new SafeText(result) : result;
      },
    value,
  );
}

/** A literal, a list, a group in parentheses, or a name with what is behind it: `a.b`, `a[0]`, `macro(1)`. The words are read at once, names are looked up when it is called. */
export function parseValue(
  words: Words,
  language: Language,
  isLenient: boolean,
  group?: () => Expression,
): (isLenient: boolean) => Expression {
  const word = words.next();
  if (word === undefined) throw words.fail('expected a value, found the end');
  if (word.kind === 'number') return always(Number(word.text));
  if (word.kind === 'text') return always(word.text);
  if (word.kind === 'sign') {
    if (word.text === '-' && words.peek()?.kind === 'number') return always(-Number(words.next()?.text));
    if (word.text === '(' && group !== undefined) {
      const inner = group();
      words.expect(')');
      return () => inner;
    }
    if (word.text === '[') {
      const items = parseArguments(words, language, ']').given;
      return () => (scope) => items.map((item) => item(scope));
    }
    throw words.fail(`expected a value, found ${describe(word)}`);
  }
  const name = word.text;
  if (CONSTANTS.has(name)) return always(CONSTANTS.get(name));
  const path = parsePath(words, language);
  return (mayBeMissing) => {
    const isStrict = !isLenient && !mayBeMissing;
    return (scope) => {
      if (isStrict && !scope.has(name)) {
        const meant = nearest(name, scope.names());
        throw words.fail(`there is no '${name}'${meant === undefined ? '' : `; did you mean ${meant}?`}`);
      }
      return path.reduce<Value>((value, step) => step(value, scope), scope.get(name));
    };
  };
}

type Step = (value: Value, scope: Scope) => Value;

function parsePath(words: Words, language: Language): readonly Step[] {
  const steps: Step[] = [];
  for (;;) {
    if (words.take('.')) {
      const part = words.next();
      if (part?.kind !== 'name' && part?.kind !== 'number') throw words.fail(`expected a name behind the dot, found ${describe(part)}`);
      // `a.0.1` is read as the number 0.1.
      for (const key of part.kind === 'number' ? part.text.split('.').map(Number) : [part.text]) steps.push((value) => lookup(value, key));
    } else if (words.take('[')) {
      const key = parseExpression(words, language);
      words.expect(']');
      steps.push((value, scope) => lookup(value, key(scope)));
    } else if (words.take('(')) {
      const { given, named } = parseArguments(words, language, ')');
      steps.push((value, scope) => {
        if (!(value instanceof Macro)) throw words.fail('only macros can be called');
        if (scope.render.depth > MAX_DEPTH) throw words.fail(`macros call one another more than ${MAX_DEPTH} deep`);
        return value.call(
          given.map((one) => one(scope)),
          new Map([...named].map(([key, one]) => [key, one(scope)])),
          scope.render.depth + 1,
        );
      });
    } else return steps;
  }
}

/** What stands between parentheses: values, and values with names (`a=1`). */
function parseArguments(
  words: Words,
  language: Language,
  end: string,
): { readonly given: readonly Expression[]; readonly named: ReadonlyMap<string, Expression> } {
  const given: Expression[] = [];
  const named = new Map<string, Expression>();
  while (!words.take(end)) {
    if (words.isDone()) throw words.fail(`'${end}' is missing`);
    const name = words.peek()?.kind === 'name' && words.peek(1)?.text === '=' ? words.name('a name') : undefined;
    if (name !== undefined) words.expect('=');
    const value = parseExpression(words, language);
    if (name === undefined) given.push(value);
    else named.set(name, value);
    if (words.peek()?.text !== end) words.expect(',');
  }
  return { given, named };
}

function always(value: Value): (isLenient: boolean) => Expression {
  return () => () => value;
}

function own<Entry>(table: Readonly<Record<string, Entry>>, name: string): Entry | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** Reads one expression and nothing behind it. */
export function parseWhole(words: Words, language: Language, isLenient = false): Expression {
  const expression = parseExpression(words, language, isLenient);
  if (!words.isDone()) throw words.fail(`found ${describe(words.peek())} behind the end of an expression`);
  return expression;
}
