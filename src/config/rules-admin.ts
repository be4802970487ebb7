import { createPublicKey } from 'node:crypto';
import { isLoopback } from '../lib/loopback.ts';
import type { Draft } from './draft.ts';
import type { Problems } from './problems.ts';
import type { SectionValue } from './setting.ts';
import type { ADMIN } from './settings-admin.ts';
import { readTextFile } from './text-file.ts';

type Admin = NonNullable<Draft<SectionValue<typeof ADMIN>>>;
type JwtAuth = NonNullable<Admin['jwtAuth']>;

/** Reports what is wrong with how the admin API is guarded. */
export function checkAdmin(admin: Admin, problems: Problems): void {
  const { authMethod, host } = admin;
  if (authMethod === 'none' && host !== undefined && !isLoopback(host)) {
    problems.report(
      'admin.host',
      `found ${JSON.stringify(host)} without \`auth_method\`; expected a loopback address such as 127.0.0.1, or an \`auth_method\` (basic, key, jwt)`,
    );
  }
  if (authMethod === 'basic' && !admin.basicAuth?.users?.length)
    problems.report('admin.basic_auth.users', 'is missing; `auth_method: basic` needs at least one user');
  checkKeys(admin, problems);
  if (authMethod === 'jwt' && admin.jwtAuth === undefined)
    problems.report('admin.jwt_auth', 'is missing; `auth_method: jwt` needs `algorithm` and a key');
  if (admin.jwtAuth) checkJwt(admin.jwtAuth, problems);
  for (const method of ['basic', 'key', 'jwt'] as const) {
    if (authMethod !== undefined && authMethod !== method && admin[`${method}Auth`] !== undefined) {
      problems.warn(`admin.${method}_auth`, `has no effect: \`auth_method\` is ${authMethod}`);
    }
  }
}

function checkKeys({ authMethod, keyAuth }: Admin, problems: Problems): void {
  if (authMethod === 'key' && !keyAuth?.keys?.length && keyAuth?.key === undefined)
    problems.report('admin.key_auth.keys', 'is missing; `auth_method: key` needs at least one key');
  if (keyAuth?.headerName !== undefined && keyAuth.queryParamName !== undefined) {
    problems.report('admin.key_auth.query_param_name', 'only one of `header_name` and `query_param_name` can be set');
  }
}

function checkJwt(jwt: JwtAuth, problems: Problems): void {
  const { algorithm } = jwt;
  if (algorithm === undefined) return;
  const isSymmetric = algorithm.startsWith('HS');
  const wanted = isSymmetric ? '`key` (or `secret`, `secret_file`)' : '`public_key` (or `public_key_file`)';
  const secrets = { key: jwt.key, secret: jwt.secret, secret_file: jwt.secretFile };
  const publics = { public_key: jwt.publicKey, public_key_file: jwt.publicKeyFile };
  const given = written(isSymmetric ? secrets : publics);
  for (const name of written(isSymmetric ? publics : secrets))
    problems.report(`admin.jwt_auth.${name}`, `does not belong to algorithm ${algorithm}; expected ${wanted}`);
  if (given.length === 0) problems.report('admin.jwt_auth', `has no key; algorithm ${algorithm} needs ${wanted}`);
  for (const name of given.slice(1)) problems.report(`admin.jwt_auth.${name}`, `only one of ${given.join(', ')} can be set`);
  if (!isSymmetric && given.length === 1) checkPublicKey(jwt, algorithm, `admin.jwt_auth.${given[0]}`, problems);
  if (isSymmetric && given[0] === 'secret_file' && readTextFile(jwt.secretFile ?? '') === '')
    problems.report('admin.jwt_auth.secret_file', 'found an empty file, expected the secret');
}

function written(keys: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(keys).filter((key) => keys[key] !== undefined);
}

const CURVES: Readonly<Record<string, string>> = { ES256: 'prime256v1', ES384: 'secp384r1', ES512: 'secp521r1' };

function checkPublicKey(jwt: JwtAuth, algorithm: string, path: string, problems: Problems): void {
  const curve = CURVES[algorithm];
  const wanted = curve === undefined ? 'an RSA public key' : `an EC public key on the curve ${curve}`;
  try {
    const key = createPublicKey(jwt.publicKey ?? readTextFile(jwt.publicKeyFile ?? ''));
    const fits = curve === undefined ? key.asymmetricKeyType?.startsWith('rsa') : key.asymmetricKeyDetails?.namedCurve === curve;
    if (!fits) problems.report(path, `found a key of type ${key.asymmetricKeyType}; algorithm ${algorithm} needs ${wanted}, PEM text`);
  } catch {
    problems.report(path, `found something that is no public key; algorithm ${algorithm} needs ${wanted}, PEM text`);
  }
}
