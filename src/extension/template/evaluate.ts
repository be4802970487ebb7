import { FUNCTIONS, isTrue } from './functions.ts';
import type { Command, Node, Operand, Pipe, Template } from './nodes.ts';
import { TemplateError } from './template-error.ts';
import { sortedEntries, toText, typeName } from './value-text.ts';

interface State {
  readonly template: Template;
  readonly out: string[];
  /** The innermost last. */
  readonly variables: { readonly name: string; value: unknown }[];
  readonly depth: number;
}

/** How a list of nodes ended: `break` and `continue` leave the bodies up to their range. */
type Ending = 'break' | 'continue' | undefined;

/** Templates that use themselves. */
const MAX_DEPTH = 500;

/** Prints a template with JSON data; throws a TemplateError with the place. A missing value prints as `<no value>`. */
export function evaluateTemplate(template: Template, data: unknown): string {
  const state: State = { template, out: [], variables: [{ name: '$', value: data }], depth: 0 };
  walkAll(state, template.nodes, data);
  return state.out.join('');
}

/** Whether a word is a function of templates. */
export function isTemplateFunction(name: string): boolean {
  return name === 'and' || name === 'or' || Object.hasOwn(FUNCTIONS, name);
}

function walkAll(state: State, nodes: readonly Node[], dot: unknown): Ending {
  const { length } = state.variables;
  let ending: Ending;
  for (const node of nodes) {
    ending = walk(state, node, dot);
    if (ending !== undefined) break;
  }
  state.variables.length = length;
  return ending;
}

function walk(state: State, node: Node, dot: unknown): Ending {
  switch (node.type) {
    case 'text':
      state.out.push(node.text);
      return undefined;
    case 'action': {
      const value = evaluatePipe(state, node.pipe, dot);
      if (node.pipe.variables.length === 0) state.out.push(value === null || value === undefined ? '<no value>' : toText(value));
      return undefined;
    }
    case 'template':
      callTemplate(state, node, dot);
      return undefined;
    case 'range':
      return walkRange(state, node, dot);
    case 'if':
    case 'with': {
      const { length } = state.variables;
      const value = evaluatePipe(state, node.pipe, dot);
      const ending = isTrue(value) ? walkAll(state, node.body, node.type === 'with' ? value : dot) : walkAll(state, node.otherwise, dot);
      state.variables.length = length;
      return ending;
    }
    default:
      return node.type;
  }
}

function walkRange(state: State, node: Node & { readonly type: 'range' | 'if' | 'with' }, dot: unknown): Ending {
  const { length } = state.variables;
  const { variables, isDeclaration } = node.pipe;
  const items = toItems(state, evaluatePipe(state, { ...node.pipe, variables: [] }, dot), node.pipe.at);
  let outer: Ending;
  if (items.length === 0) outer = walkAll(state, node.otherwise, dot);
  for (const [key, item] of items) {
    const values = variables.length === 2 ? [key, item] : [item];
    for (const [place, name] of variables.entries()) setVariable(state, name, values[place], isDeclaration);
    const ending = walkAll(state, node.body, item);
    state.variables.length = length;
    if (ending === 'break') break;
  }
  return outer;
}

function toItems(state: State, value: unknown, at: number): readonly (readonly [unknown, unknown])[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return [...value.entries()];
  if (typeof value === 'object') return sortedEntries(value);
  throw fail(state, at, `range can't iterate over ${toText(value)}`);
}

function callTemplate(state: State, node: Node & { readonly type: 'template' }, dot: unknown): void {
  const nodes = state.template.defined.get(node.name);
  if (nodes === undefined) throw fail(state, node.at, `template ${JSON.stringify(node.name)} not defined`);
  if (state.depth >= MAX_DEPTH) throw fail(state, node.at, `exceeded maximum template depth (${MAX_DEPTH})`);
  const data = node.pipe === undefined ? undefined : evaluatePipe(state, node.pipe, dot);
  walkAll({ ...state, variables: [{ name: '$', value: data }], depth: state.depth + 1 }, nodes, data);
}

function evaluatePipe(state: State, pipe: Pipe, dot: unknown): unknown {
  let value: unknown;
  for (const [stage, command] of pipe.commands.entries()) {
    value = evaluateCommand(state, command, dot, stage === 0 ? [] : [value]);
  }
  for (const name of pipe.variables) setVariable(state, name, value, pipe.isDeclaration);
  return value;
}

function setVariable(state: State, name: string, value: unknown, isDeclaration: boolean): void {
  const known = isDeclaration ? undefined : state.variables.findLast((variable) => variable.name === name);
  if (known === undefined) state.variables.push({ name, value });
  else known.value = value;
}

function evaluateCommand(state: State, { operands: [head, ...rest], at }: Command, dot: unknown, piped: readonly unknown[]): unknown {
  if (head.type !== 'function') {
    if (piped.length > 0) throw fail(state, at, "can't give argument to a value that is no function");
    return evaluateOperand(state, head, dot);
  }
  if (head.name === 'and' || head.name === 'or') return choose(state, head.name, rest, dot, piped, at);
  const args = [...rest.map((operand) => evaluateOperand(state, operand, dot)), ...piped].map((value) => value ?? null);
  try {
    return FUNCTIONS[head.name]?.(...args);
  } catch (error) {
    throw fail(state, at, `error calling ${head.name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** `and` gives the first argument that is not true, `or` the first that is; else the last. What stands behind it is not evaluated. */
function choose(state: State, name: 'and' | 'or', rest: readonly Operand[], dot: unknown, piped: readonly unknown[], at: number): unknown {
  let value: unknown;
  if (rest.length + piped.length === 0) throw fail(state, at, `wrong number of args for ${name}: want at least 1 got 0`);
  for (const operand of rest) {
    value = evaluateOperand(state, operand, dot);
    if (isTrue(value) === (name === 'or')) return value;
  }
  return piped.length > 0 ? piped[0] : value;
}

function evaluateOperand(state: State, operand: Operand, dot: unknown): unknown {
  switch (operand.type) {
    case 'literal':
      return operand.value;
    case 'dot':
      return follow(state, dot, operand.path, operand.at);
    case 'variable': {
      const variable = state.variables.findLast(({ name }) => name === operand.name);
      return follow(state, variable?.value, operand.path, operand.at);
    }
    case 'pipe':
      return follow(state, evaluatePipe(state, operand.pipe, dot), operand.path, operand.at);
    default:
      return evaluateCommand(state, { operands: [operand], at: operand.at }, dot, []);
  }
}

/** Own keys of objects only; a missing key has no value. */
function follow(state: State, start: unknown, path: readonly string[], at: number): unknown {
  let value = start;
  for (const name of path) {
    if (value === null || value === undefined) throw fail(state, at, `nil pointer evaluating interface {}.${name}`);
    if (typeof value !== 'object' || Array.isArray(value)) throw fail(state, at, `can't evaluate field ${name} in type ${typeName(value)}`);
    value = Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
  }
  return value;
}

function fail(state: State, at: number, problem: string): TemplateError {
  return new TemplateError(state.template.source, at, problem);
}
