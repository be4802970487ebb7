import net, { createServer } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { listenError } from './listen-error.ts';

/** A TCP socket as libuv has it. Node's `listen` takes it, and a child process can be given it; opaque otherwise. */
export interface SocketHandle {
  readonly fd: number;
  getsockname(out: { address?: string; port?: number }): number;
  close(): void;
}

/** What `bindShared` takes: an address, and the setting that it comes from for error messages. */
export interface SharedAddress {
  /** Empty = all addresses. */
  readonly host: string;
  /** 0 = a free one. */
  readonly port: number;
  readonly setting: string;
}

/**
 * Sockets bound to one address and not listening yet: one for each process that will. The kernel spreads connections evenly over those that
 * listen (SO_REUSEPORT), and the queue of a process that dies waits in its socket for the one that takes it next: whoever bound the sockets
 * must keep them open. Rejects with LISTEN_FAILED, also when somebody listens there who shares the port.
 */
export async function bindShared(address: SharedAddress, count: number): Promise<readonly SocketHandle[]> {
  const { host, port } = await probe(address);
  const handles: SocketHandle[] = [];
  try {
    for (let at = 0; at < count; at += 1)
      handles.push(bind(host, handles[0] === undefined ? port : portOf(handles[0]), address, count === 1));
  } catch (error) {
    for (const handle of handles) handle.close();
    throw error;
  }
  return handles;
}

/** Another socket beside those that are bound already. */
export function bindAnother(first: SocketHandle, address: SharedAddress): SocketHandle {
  const name: { address?: string; port?: number } = {};
  first.getsockname(name);
  return bind(name.address ?? '', name.port ?? 0, address);
}

export function portOf(handle: SocketHandle): number {
  const name: { port?: number } = {};
  handle.getsockname(name);
  return name.port ?? 0;
}

/** Listens for a moment without sharing: fails when anybody listens there, and tells which address `host` means on this machine. */
async function probe({ host, port, setting }: SharedAddress): Promise<{ readonly host: string; readonly port: number }> {
  const server = createServer();
  return await new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(listenError(cause, setting, host, port)));
    server.listen({ port, ...(host !== '' && { host }) }, () => {
      const found = server.address();
      server.close(() => resolve(typeof found === 'object' && found !== null ? { host: found.address, port } : { host, port }));
    });
  });
}

/** Node's own way to a socket that does not listen yet; its cluster module is made of it. There is no public one. */
interface ServerHandles {
  _createServerHandle(host: string, port: number, family: 4 | 6, fd: number, flags: number): SocketHandle | number;
}
const REUSE_PORT = 2;

/** With `mayBeAlone`, where the system shares no ports (macOS, Windows), a socket that shares none. */
function bind(host: string, port: number, { setting }: SharedAddress, mayBeAlone = false): SocketHandle {
  const make = (flags: number) => (net as unknown as ServerHandles)._createServerHandle(host, port, host.includes(':') ? 6 : 4, -1, flags);
  let made = make(REUSE_PORT);
  if (mayBeAlone && typeof made === 'number' && getSystemErrorName(made) === 'ENOTSUP') made = make(0);
  if (typeof made !== 'number') return made;
  const cause: NodeJS.ErrnoException = Object.assign(new Error(`bind: ${made}`), { errno: made, code: codeOf(made) });
  throw listenError(cause, setting, host, port);
}

function codeOf(errno: number): string {
  return { '-98': 'EADDRINUSE', '-13': 'EACCES', '-99': 'EADDRNOTAVAIL' }[String(errno)] ?? String(errno);
}
