import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { toSecretBox } from './secret-box.ts';

const key = randomBytes(32);

test('opens what it sealed, in the same place only', () => {
  const box = toSecretBox(key);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, place) => {
      const sealed = box.seal(text, place);
      assert.equal(toSecretBox(key).open(sealed, place), Buffer.from(text).toString());
      assert.equal(box.open(sealed, `${place}x`), undefined);
    }),
  );
});

test('never seals the same way twice, and shows nothing of the text', () => {
  const box = toSecretBox(key);
  assert.notEqual(box.seal('same', 'p'), box.seal('same', 'p'));
  assert.ok(!Buffer.from(box.seal('plain text', 'p').slice(3), 'base64').includes('plain'));
});

test('another key, a changed byte or a cut text does not open', () => {
  const box = toSecretBox(key);
  const sealed = box.seal('text', 'p');
  assert.equal(toSecretBox(randomBytes(32)).open(sealed, 'p'), undefined);
  const bytes = Buffer.from(sealed.slice(3), 'base64');
  for (let i = 0; i < bytes.length; i += 1) {
    const changed = Buffer.from(bytes);
    changed[i] = (changed[i] ?? 0) ^ 1;
    assert.equal(box.open(`v1:${changed.toString('base64')}`, 'p'), undefined);
    assert.equal(box.open(`v1:${bytes.subarray(0, i).toString('base64')}`, 'p'), undefined);
  }
  assert.equal(box.open('text', 'p'), undefined);
});

test('the fingerprint tells keys apart', () => {
  assert.equal(toSecretBox(key).fingerprint, toSecretBox(Buffer.from(key)).fingerprint);
  assert.notEqual(toSecretBox(key).fingerprint, toSecretBox(randomBytes(32)).fingerprint);
});
