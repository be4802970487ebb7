import { nearest } from '../lib/nearest.ts';
import type { Setting, SettingKeys } from './setting.ts';
import { SETTINGS } from './settings-table.ts';

/** Every key of the table that has an effect, as a path (`proxy.tls.port`), with its setting. Items of lists are written `[]`. */
export function* settingPaths(keys: SettingKeys = SETTINGS, prefix = ''): Generator<readonly [string, Setting]> {
  for (const [key, setting] of Object.entries(keys)) {
    if (setting.type === 'ignored' || setting.type === 'later') continue;
    yield [prefix + key, setting];
    const inner = setting.type === 'list' ? setting.of : setting;
    if (inner.type === 'section') yield* settingPaths(inner.keys, `${prefix}${key}${setting.type === 'list' ? '[]' : ''}.`);
  }
}

/** What to say of a key that is not one of `keys`: the one that was probably meant, or where a key of that name belongs, and all that are allowed. */
export function describeUnknownKey(key: string, keys: SettingKeys): string {
  const known = Object.keys(keys).filter((name) => keys[name]?.type !== 'ignored');
  const snake = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replaceAll('-', '_');
  const meant = nearest(key, known) ?? nearest(snake, known);
  const allowed = `allowed here: ${known.filter((name) => keys[name]?.type !== 'later').join(', ')}`;
  if (meant !== undefined) return `unknown key; did you mean \`${meant}\`? (${allowed})`;
  const elsewhere = [...settingPaths()].map(([path]) => path).filter((path) => path === snake || path.endsWith(`.${snake}`));
  return `unknown key${elsewhere.length > 0 && elsewhere.length < 4 ? `; did you mean ${elsewhere.map((path) => `\`${path}\`${path.includes('.') ? '' : ' at the top level'}`).join(' or ')}?` : ''} (${allowed})`;
}
