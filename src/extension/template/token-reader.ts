import type { Token } from './lexer.ts';
import { TemplateError } from './template-error.ts';

/** The tokens of a template, one after the other. */
export interface TokenReader {
  peek(): Token;
  next(): Token;
  /** Takes a `}}`; throws when something else stands there. `context` names the action. */
  close(context: string): void;
  /** Takes a string: the name of a template. */
  name(context: string): string;
  isFunction(name: string): boolean;
  fail(at: number, problem: string): TemplateError;
}

export function createTokenReader(source: string, tokens: readonly Token[], isFunction: (name: string) => boolean): TokenReader {
  let index = 0;
  const last: Token = { kind: 'end', text: '', at: source.length, isSpaced: false };
  const peek = (): Token => tokens[index] ?? last;
  const next = (): Token => {
    const token = peek();
    index += 1;
    return token;
  };
  const fail = (at: number, problem: string): TemplateError => new TemplateError(source, at, problem);
  return {
    peek,
    next,
    isFunction,
    fail,
    close(context) {
      const token = next();
      if (token.kind !== 'close') throw fail(token.at, `unexpected ${JSON.stringify(token.text)} in ${context}`);
    },
    name(context) {
      const token = next();
      if (typeof token.value !== 'string')
        throw fail(token.at, `unexpected ${JSON.stringify(token.text)} in ${context}: its name must be a string`);
      return token.value;
    },
  };
}
