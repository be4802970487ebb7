import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from './nearest.ts';

const KEYS = ['name', 'urls', 'retries', 'retryTimeout', 'tlsSkipVerify'];

test('the nearest word is the one with the fewest edits, whatever its case', () => {
  assert.equal(nearest('url', KEYS), 'urls');
  assert.equal(nearest('retry_timeout', KEYS), 'retryTimeout');
  assert.equal(nearest('TLSSKIPVERIFY', KEYS), 'tlsSkipVerify');
  assert.equal(nearest('nmae', KEYS), 'name');
});

test('a word that is near to none has no suggestion', () => {
  assert.equal(nearest('methods', KEYS), undefined);
  assert.equal(nearest('x', KEYS), undefined);
  assert.equal(nearest('', KEYS), undefined);
});
