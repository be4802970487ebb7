import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Something outside npm that tests or benches need: how to see that it is there, and the Debian packages that bring it. */
export interface Requirement {
  readonly name: string;
  readonly packages: readonly string[];
  readonly isPresent: () => boolean;
}

const program = (name: string, ...packages: string[]): Requirement => ({ name, packages, isPresent: () => hasProgram(name) });

export const OPENSSL = program('openssl', 'openssl');
export const CURL = program('curl', 'curl');
export const WRK = program('wrk', 'wrk');
export const NGINX = program('nginx', 'nginx-light');
/** Where services run, Debian starts one with this package; tests leave it alone and have servers of their own on other ports. */
export const ETCD = program('etcd', 'etcd-server');
export const NGINX_LUA: Requirement = {
  name: 'the Lua module of nginx',
  packages: ['libnginx-mod-http-lua'],
  isPresent: () => existsSync('/usr/lib/nginx/modules/ngx_http_lua_module.so'),
};

/** Another process may be installing at the same time, and a mirror may fail once. */
const PATIENTLY = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3'];

/** Installs what is missing with apt-get when this runs as root; else throws with the command to type. */
export function ensureInstalled(requirements: readonly Requirement[]): void {
  const missing = requirements.filter((requirement) => !requirement.isPresent());
  if (missing.length === 0) return;
  const names = missing.map((requirement) => requirement.name).join(', ');
  const words = ['install', '-y', '--no-install-recommends', ...missing.flatMap((requirement) => requirement.packages)];
  if (process.getuid?.() !== 0 || !hasProgram('apt-get')) {
    throw new Error(`missing: ${names}. Install it first, on Debian: sudo apt-get ${words.join(' ')}`);
  }
  process.stderr.write(`installing ${names}\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // A stale package index is the usual reason of a failed install.
  const failed = spawnSync('apt-get', [...PATIENTLY, ...words], { env, stdio: 'ignore' }).status !== 0;
  if (!failed) return;
  execFileSync('apt-get', [...PATIENTLY, 'update'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  execFileSync('apt-get', [...PATIENTLY, ...words], { env, stdio: ['ignore', 'ignore', 'inherit'] });
}

function hasProgram(name: string): boolean {
  return (process.env.PATH ?? '').split(':').some((folder) => existsSync(`${folder}/${name}`)) || existsSync(`/usr/sbin/${name}`);
}
