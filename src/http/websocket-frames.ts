/** Follows the frames of one direction of a WebSocket (RFC 6455 5.2) without keeping their contents: between two of them a frame of our own may be sent. */
export class WebSocketFrames {
  /** Bytes of the frame's header that were seen. */
  readonly #header: number[] = [];
  #payloadLeft = 0;
  #hasClosed = false;

  /** True when the bytes so far end with a frame, or there were none. */
  get isBetween(): boolean {
    return this.#header.length === 0 && this.#payloadLeft === 0;
  }

  /** True when the last frame is a Close: nothing may follow it. */
  get hasClosed(): boolean {
    return this.#hasClosed;
  }

  /** Counts bytes that are sent. Gives where in them the first frame ends; -1 when they end within one. */
  push(chunk: Buffer): number {
    let at = 0;
    let boundary = -1;
    while (at < chunk.length) {
      if (this.#payloadLeft > 0) {
        const step = Math.min(this.#payloadLeft, chunk.length - at);
        this.#payloadLeft -= step;
        at += step;
      } else {
        this.#header.push(chunk[at] ?? 0);
        at += 1;
        this.#readHeader();
      }
      if (boundary < 0 && this.isBetween) boundary = at;
    }
    return boundary;
  }

  /** Takes the payload's length from the header once that is complete. */
  #readHeader(): void {
    const header = this.#header;
    const [first = 0, second] = header;
    if (second === undefined) return;
    const short = second & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const maskBytes = (second & 0x80) === 0 ? 0 : 4;
    if (header.length < 2 + lengthBytes + maskBytes) return;
    this.#payloadLeft = lengthBytes === 0 ? short : header.slice(2, 2 + lengthBytes).reduce((value, byte) => value * 256 + byte, 0);
    this.#hasClosed = (first & 0x0f) === OPCODE_CLOSE;
    header.length = 0;
  }
}

const OPCODE_CLOSE = 8;
/** 1001: an endpoint is "going away" (RFC 6455 7.4.1). */
const GOING_AWAY = [0x03, 0xe9];

/** A Close frame with status 1001. Frames to a server are masked: here with a key of zeros, as the payload is no text of anybody that a cache could mistake. */
export function goingAwayFrame(isMasked: boolean): Buffer {
  return Buffer.from(isMasked ? [0x88, 0x82, 0, 0, 0, 0, ...GOING_AWAY] : [0x88, 0x02, ...GOING_AWAY]);
}
