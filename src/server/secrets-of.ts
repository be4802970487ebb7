import type { Settings } from '../config/settings.ts';
import { SekishoError } from '../lib/errors.ts';
import type { Bridge } from '../runtime/types.ts';

/** A secret by its name; undefined when there is none. Rejects with NOT_READY before the state is loaded. */
export type GetSecret = (name: string) => Promise<string | undefined>;

/** The secrets that extensions see: those of the namespace that serves the schemas. */
export function secretsOf({ api }: Settings, bridge: Pick<Bridge, 'getSecret'>, isLoaded: () => boolean): GetSecret {
  return async (name) => {
    if (isLoaded()) return await bridge.getSecret(api.namespace, name);
    throw new SekishoError(
      'NOT_READY',
      `the secret ${name} is there once the gateway serves; extensions and schemas are loaded before that`,
    );
  };
}
