import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { goingAwayFrame, WebSocketFrames } from './websocket-frames.ts';

/** A frame as RFC 6455 5.2 has it. */
function frame(opcode: number, length: number, isMasked: boolean): Buffer {
  const mask = isMasked ? 0x80 : 0;
  const head =
    length < 126
      ? [0x80 | opcode, mask | length]
      : length < 65_536
        ? [0x80 | opcode, mask | 126, length >> 8, length & 255]
        : [0x80 | opcode, mask | 127, 0, 0, 0, 0, length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(isMasked ? 4 : 0, 0xff), Buffer.alloc(length, 0x88)]);
}

const FRAME = fc.record({
  opcode: fc.constantFrom(0, 1, 2, 9, 10),
  length: fc.oneof(fc.nat(300), fc.constantFrom(125, 126, 65_535, 65_536, 70_000)),
  isMasked: fc.boolean(),
});

test('frames are followed however the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(FRAME, { minLength: 1, maxLength: 5 }), fc.array(fc.nat(70_000), { maxLength: 8 }), (frames, cuts) => {
      const parts = frames.map(({ opcode, length, isMasked }) => frame(opcode, length, isMasked));
      const bytes = Buffer.concat(parts);
      const ends = new Set<number>([0]);
      for (let at = 0, i = 0; i < parts.length; i += 1) ends.add((at += parts[i]?.length ?? 0));
      const places = [...new Set([...cuts.filter((cut) => cut < bytes.length), bytes.length])].toSorted((a, b) => a - b);
      const followed = new WebSocketFrames();
      let from = 0;
      for (const to of places) {
        const boundary = followed.push(bytes.subarray(from, to));
        const first = [...ends].filter((end) => end > from && end <= to).toSorted((a, b) => a - b)[0];
        assert.equal(boundary, first === undefined ? -1 : first - from);
        assert.equal(followed.isBetween, ends.has(to));
        from = to;
      }
    }),
  );
});

test('a Close is seen, and ours has 1001', () => {
  const frames = new WebSocketFrames();
  frames.push(frame(1, 3, false));
  assert.equal(frames.hasClosed, false);
  frames.push(goingAwayFrame(false));
  assert.deepEqual([frames.hasClosed, frames.isBetween], [true, true]);
  assert.deepEqual([...goingAwayFrame(false)], [0x88, 2, 3, 0xe9]);
  assert.deepEqual([...goingAwayFrame(true)], [0x88, 0x82, 0, 0, 0, 0, 3, 0xe9]);
});
