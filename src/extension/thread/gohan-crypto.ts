import { createHash, getHashes, type Hash } from 'node:crypto';
import { goText } from './gohan-arguments.ts';
import type { RealmValues } from './gohan-realm.ts';

/** What `require('crypto')` gives: `createHash(algorithm).update(text).digest('hex' | 'base64')`; MD5 without an algorithm. */
export function cryptoModule(realm: RealmValues): object {
  const text = (what: string, value: unknown): string => {
    if (typeof value === 'string') return value;
    throw realm.error(`${what}: Argument '${goText(value)}' should be of type 'string'`);
  };
  const wrap = (hash: Hash): object => {
    const wrapped = {
      update(data: unknown) {
        hash.update(text('Data', data));
        return wrapped;
      },
      digest(encoding: unknown) {
        const name = text('Encoding', encoding);
        if (name !== 'hex' && name !== 'base64') throw realm.error(`Unsupported hash encoding: '${name}'`);
        // A digest may be asked for twice.
        return hash.copy().digest(name);
      },
    };
    return wrapped;
  };
  return {
    createHash(algorithm: unknown) {
      const name = algorithm === undefined ? 'md5' : text('Algorithm', algorithm).toLowerCase();
      if (!getHashes().some((known) => known.toLowerCase() === name)) throw realm.error(`Unsupported hash algorithm: '${name}'`);
      return wrap(createHash(name));
    },
  };
}
