import type { HttpAnswer } from '../host-calls.ts';
import { goText } from './gohan-arguments.ts';
import type { Implementations } from './gohan-builtins.ts';
import { isFinal, isHostCallError, type RealmValues } from './gohan-realm.ts';
import type { BUILTIN_GROUPS } from './gohan-table.ts';
import type { GohanThread } from './types.ts';

type Headers = Readonly<Record<string, string>>;

/** `gohan_http`, `gohan_raw_http`, `gohan_exec`, `gohan_ssh_*`, `gohan_netconf_*`: what leaves the gateway. */
export function callBuiltins(thread: GohanThread, realm: RealmValues): Implementations<(typeof BUILTIN_GROUPS)['Calls']> {
  const headersOf = (headers: Readonly<Record<string, unknown>>): Headers => {
    for (const [name, value] of Object.entries(headers)) {
      if (typeof value !== 'string') throw realm.error(`Header '${name}' value must be a string type`);
    }
    return headers as Headers;
  };
  const exec = (command: string, args: readonly string[]): unknown => thread.call('exec.run', command, args);
  const refuse = (name: string) => (): never => {
    throw Object.assign(
      realm.error(
        `${name} is not enabled, and no setting enables it: this gateway opens no SSH or NETCONF sessions. Run the system's client with gohan_exec (extension.allow_exec), or let a worker do it.`,
      ),
      { code: 'EXTENSION_NOT_ENABLED' },
    );
  };

  return {
    gohan_http(method, url, headers, data, isOpaque, timeoutMs) {
      const [sent, body] = encode(headersOf(headers), data);
      try {
        const answer = thread.call('http.request', { method, url, headers: sent, body, timeoutMs, follow: true, opaque: isOpaque });
        return realm.copy({ status: 'success', status_code: String(answer.status), body: answer.body, headers: goHeaders(answer) });
      } catch (error) {
        if (!isHostCallError(error) || isFinal(error)) throw error;
        return realm.copy({ status: 'err', error: error.message });
      }
    },
    gohan_raw_http(method, url, headers, body) {
      const answer = thread.call('http.request', { method, url, headers: headersOf(headers), body, timeoutMs: undefined, follow: false });
      const { status, statusText } = answer;
      return realm.copy({
        status: `${status} ${statusText}`.trimEnd(),
        status_code: status,
        headers: goHeaders(answer),
        body: answer.body,
      });
    },
    gohan_exec: exec,
    gohan_execute: exec,
    gohan_netconf_open: refuse('gohan_netconf_open'),
    gohan_netconf_exec: refuse('gohan_netconf_exec'),
    gohan_netconf_close: refuse('gohan_netconf_close'),
    gohan_ssh_open: refuse('gohan_ssh_open'),
    gohan_ssh_exec: refuse('gohan_ssh_exec'),
    gohan_ssh_close: refuse('gohan_ssh_close'),
  };
}

/** The body of `gohan_http`, and the headers with the content type that follows from it. */
function encode(headers: Headers, data: unknown): readonly [Headers, string | undefined] {
  if (data === null || data === undefined) return [headers, undefined];
  const others = Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'content-type');
  const type = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1];
  if (type === 'text/plain') return [headers, typeof data === 'string' ? data : ''];
  return [{ ...Object.fromEntries(others), 'content-type': 'application/json' }, JSON.stringify(data) ?? goText(data)];
}

/** Headers as Go has them: `{"Content-Type": ["text/plain"]}`. */
function goHeaders({ headers, setCookies }: HttpAnswer): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.replace(/(^|-)[a-z]/g, (letters) => letters.toUpperCase()),
      name === 'set-cookie' ? setCookies : [value],
    ]),
  );
}
