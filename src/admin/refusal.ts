import type { SekishoError } from '../lib/errors.ts';

/** An expected failure whose answer needs header fields of its own: `Allow`, `WWW-Authenticate`. */
export class Refusal extends Error {
  readonly error: SekishoError;
  /** Name, value, name, value, … */
  readonly headers: readonly string[];

  constructor(error: SekishoError, headers: readonly string[]) {
    super(error.message);
    this.error = error;
    this.headers = headers;
  }
}
