import { SekishoError } from '../lib/errors.ts';

/** Nothing clashed, but the whole work of a transaction is to be run once more; it is, whatever the configuration says about clashes. */
export class RunAgain extends SekishoError {
  constructor(detail: string, cause?: unknown) {
    super('DATABASE_RETRY', detail, { cause });
  }
}
