import { callFailed } from './host-error.ts';

/** The objects of `gohan_global`, as JSON texts: of one environment, or of all (`''`). */
export interface GlobalStore {
  get(environment: string, name: string): string | undefined;
  /** EXTENSION_CALL_FAILED when all objects together would be larger than the bound: nothing is dropped in silence. */
  set(environment: string, name: string, text: string): void;
}

export function createGlobalStore(maxBytes: number): GlobalStore {
  const texts = new Map<string, string>();
  let bytes = 0;
  const keyOf = (environment: string, name: string): string => JSON.stringify([environment, name]);
  const sizeOf = (key: string, text: string | undefined): number => (text === undefined ? 0 : 2 * (key.length + text.length));
  return {
    get: (environment, name) => texts.get(keyOf(environment, name)),
    set(environment, name, text) {
      const key = keyOf(environment, name);
      const after = bytes - sizeOf(key, texts.get(key)) + sizeOf(key, text);
      if (after > maxBytes)
        throw callFailed(
          `gohan_global: ${JSON.stringify(name)} does not fit: all shared objects may take ${maxBytes} bytes, this makes ${after}`,
        );
      texts.set(key, text);
      bytes = after;
    },
  };
}
