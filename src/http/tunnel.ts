import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { goingAwayFrame, WebSocketFrames } from './websocket-frames.ts';

/** Two sockets that are joined: what one receives the other sends. */
export interface Tunnel {
  /** Bytes that went through, both ways together. */
  readonly bytes: number;
  /** Tells both sides of a WebSocket that it ends (Close with 1001), between two frames; other protocols have no such word. */
  announceEnd(): void;
  destroy(): void;
}

/**
 * Joins `client` and `peer` both ways with backpressure and half-close. `clientBytes` and `peerBytes` came behind the heads and go first.
 * When both directions have ended, or one side breaks, both sockets are closed and `onEnd` is told the bytes sent to the client.
 */
export function joinTunnel(
  client: Duplex,
  clientBytes: Buffer,
  peer: Duplex,
  peerBytes: Buffer,
  onEnd: (bytesToClient: number) => void,
  isWebSocket = false,
): Tunnel {
  return new JoinedSockets({ client, clientBytes, peer, peerBytes, onEnd, isWebSocket });
}

interface Ends {
  readonly client: Duplex;
  readonly clientBytes: Buffer;
  readonly peer: Duplex;
  readonly peerBytes: Buffer;
  readonly onEnd: (bytesToClient: number) => void;
  readonly isWebSocket: boolean;
}

/** One way through a tunnel that carries a WebSocket. */
interface WebSocketWay {
  readonly to: Duplex;
  readonly frames: WebSocketFrames;
  readonly close: Buffer;
  /** `closing`: our Close is to be sent as soon as a frame ends; `closed`: nothing follows it. */
  state: 'open' | 'closing' | 'closed';
}

class JoinedSockets implements Tunnel {
  bytes = 0;
  #toClient = 0;
  #isOver = false;
  readonly #client: Duplex;
  readonly #peer: Duplex;
  readonly #onEnd: (bytesToClient: number) => void;
  readonly #ways: WebSocketWay[] = [];

  constructor({ client, clientBytes, peer, peerBytes, onEnd, isWebSocket }: Ends) {
    this.#client = client;
    this.#peer = peer;
    this.#onEnd = onEnd;
    for (const side of [client, peer]) {
      // A side that has finished sending may still receive.
      side.allowHalfOpen = true;
      if (side instanceof Socket) side.setNoDelay(true).setTimeout(0);
      side.on('error', () => this.destroy());
      side.on('close', () => this.#onClose());
    }
    this.#forward(client, peer, clientBytes, isWebSocket ? this.#follow(peer, true) : undefined);
    this.#forward(peer, client, peerBytes, isWebSocket ? this.#follow(client, false) : undefined);
  }

  announceEnd(): void {
    for (const way of this.#ways) {
      if (way.state !== 'open' || way.frames.hasClosed || !way.to.writable) continue;
      way.state = way.frames.isBetween ? 'closed' : 'closing';
      if (way.state === 'closed') way.to.write(way.close);
    }
  }

  destroy(): void {
    this.#client.destroy();
    this.#peer.destroy();
    this.#finish();
  }

  #follow(to: Duplex, isMasked: boolean): WebSocketWay {
    const way: WebSocketWay = { to, frames: new WebSocketFrames(), close: goingAwayFrame(isMasked), state: 'open' };
    this.#ways.push(way);
    return way;
  }

  #forward(from: Duplex, to: Duplex, firstBytes: Buffer, way: WebSocketWay | undefined): void {
    const send = (chunk: Buffer): void => {
      this.bytes += chunk.length;
      if (to === this.#client) this.#toClient += chunk.length;
      const bytes = way === undefined ? chunk : passOn(way, chunk);
      if (to.writable && !to.write(bytes)) from.pause();
    };
    to.on('drain', () => from.resume());
    from.on('end', () => to.end());
    if (firstBytes.length > 0) send(firstBytes);
    from.on('data', send);
    if (from.readableEnded) to.end();
    else if (!to.writableNeedDrain) from.resume();
  }

  /** A socket that closed after both of its directions ended lets the other finish; one that broke takes it along. */
  #onClose(): void {
    const isClean = (side: Duplex): boolean => !side.destroyed || (side.readableEnded && side.writableFinished);
    if (!isClean(this.#client) || !isClean(this.#peer)) this.destroy();
    else if (this.#client.destroyed && this.#peer.destroyed) this.#finish();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onEnd(this.#toClient);
  }
}

/** What of `chunk` goes on: all of it, or up to the end of a frame with our Close behind. */
function passOn(way: WebSocketWay, chunk: Buffer): Buffer {
  if (way.state === 'closed') return NOTHING;
  const boundary = way.frames.push(chunk);
  if (way.state === 'open' || boundary < 0) return chunk;
  way.state = 'closed';
  return Buffer.concat([chunk.subarray(0, boundary), way.close]);
}

const NOTHING = Buffer.alloc(0);
