import { SekishoError } from '../lib/errors.ts';

/** An action whose handlers left nothing that can be answered; `why` is for the log. */
export function noAnswer(why: string): SekishoError {
  return new SekishoError('EXTENSION_FAILED', 'The action has no answer; the log has the details under this id.', {
    cause: new Error(why),
  });
}
