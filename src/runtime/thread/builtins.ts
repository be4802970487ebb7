import * as buffer from 'node:buffer';
import * as url from 'node:url';
import * as util from 'node:util';
import { cryptoModule, nodeCryptoModule } from './builtin-crypto.ts';
import { httpModule } from './builtin-http.ts';

const utilModule = {
  format: util.format,
  inspect: util.inspect,
  promisify: util.promisify,
  callbackify: util.callbackify,
  isDeepStrictEqual: util.isDeepStrictEqual,
  types: util.types,
  TextEncoder: util.TextEncoder,
  TextDecoder: util.TextDecoder,
};

const bufferModule = {
  Buffer: buffer.Buffer,
  Blob: buffer.Blob,
  atob: globalThis.atob,
  btoa: globalThis.btoa,
  constants: buffer.constants,
};

/** What `require` gives in a module's thread; the names are those of `BUILT_INS`. */
export function createRequire(parts: {
  dgate: Record<string, unknown>;
  state: object;
  storage: object;
  secrets: object;
  console: object;
}): (name: string) => unknown {
  const gatewayUtil = { ...utilModule };
  const root = { ...parts.dgate, http: httpModule, util: gatewayUtil, state: parts.state, crypto: cryptoModule, storage: parts.storage };
  const modules = new Map<string, object>([...sharedModules(parts.console), ['sekisho/secrets', parts.secrets]]);
  for (const brand of ['dgate', 'sekisho']) {
    modules.set(brand, root);
    for (const part of ['http', 'util', 'state', 'crypto', 'storage'] as const) modules.set(`${brand}/${part}`, root[part]);
  }
  return requireFrom(modules);
}

/** What user code of every kind may require. */
export function sharedModules(console: object): [name: string, module: object][] {
  return [
    ['url', { URL: url.URL, URLSearchParams: url.URLSearchParams, domainToASCII: url.domainToASCII, domainToUnicode: url.domainToUnicode }],
    ['buffer', bufferModule],
    ['console', console],
    ['util', utilModule],
    ['crypto', nodeCryptoModule],
    ['sekisho/http', httpModule],
    ['sekisho/util', utilModule],
    ['sekisho/crypto', cryptoModule],
  ];
}

/** `require` of a set of modules; it throws for every other name. */
export function requireFrom(modules: ReadonlyMap<string, object>): (name: string) => unknown {
  return (name) => {
    const found = modules.get(String(name).replace(/^node:/, ''));
    if (found === undefined)
      throw new Error(
        `${String(name)} is not found; only built-ins can be required while the module runs: ${[...modules.keys()].join(', ')}`,
      );
    return found;
  };
}
