import { readFileSync } from 'node:fs';

export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** The system's user of that name, when this process is root and so should not run servers itself; else undefined. */
export function findUser(name: string): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((text) => text.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined) throw new Error(`there is no user ${name}`);
  return { name, uid: Number(uid), gid: Number(gid) };
}

/** The words of a command that runs as the user and ends when this process does. */
export function asUser(user: SystemUser | undefined, words: readonly string[]): readonly string[] {
  const identity = user === undefined ? [] : [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'];
  return ['setpriv', ...identity, '--pdeathsig', 'KILL', ...words];
}
