import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Identity } from '../lib/identity.ts';
import { idempotencyKey } from './idempotency.ts';
import type { Call } from './types.ts';

const MEMBER: Identity = {
  roles: ['Member', 'ops'],
  tenantId: 't',
  tenantName: 't',
  domainId: 'd',
  domainName: 'd',
  scope: 'tenant',
  principal: 'ann',
};
const NOBODY: Identity = { ...MEMBER, roles: ['Nobody'], tenantId: 'nobody', principal: 'nobody' };

interface Request {
  readonly address?: string;
  readonly target?: string;
  readonly body?: string;
  readonly key?: string;
}

function keyOf(identity: Identity, { address = '127.0.0.1', target = '/t/docs', body = '{}', key = 'k' }: Request = {}): string {
  const exchange = { method: 'POST', target, headers: ['idempotency-key', key], remoteAddress: address };
  const found = idempotencyKey({ exchange, identity } as unknown as Pick<Call, 'exchange' | 'identity'>, body);
  return found?.key ?? assert.fail('no key');
}

test('a key belongs to a caller with the rights that the caller had', () => {
  assert.equal(keyOf(MEMBER), keyOf({ ...MEMBER, roles: ['ops', 'Member'] }));
  assert.equal(keyOf(MEMBER), keyOf(MEMBER, { address: '10.0.0.1', body: '{"other": 1}' }), 'so that another request is noticed');
  const others: readonly Partial<Identity>[] = [
    { principal: 'bob' },
    { tenantId: 'u' },
    { domainId: 'e' },
    { scope: 'admin' },
    { roles: ['Member'] },
    { roles: ['Member', 'ops', 'admin'] },
    { roles: ['Member","ops'] },
  ];
  const keys = others.map((change) => keyOf({ ...MEMBER, ...change }));
  assert.equal(new Set([keyOf(MEMBER), ...keys]).size, others.length + 1);
});

test('callers who are not identified do not meet: a key is for one address and one request', () => {
  assert.equal(keyOf(NOBODY), keyOf(NOBODY));
  const keys = [{}, { address: '10.0.0.1' }, { body: '{"other": 1}' }, { target: '/t/others' }, { key: 'l' }].map((one) =>
    keyOf(NOBODY, one),
  );
  assert.equal(new Set(keys).size, keys.length);
});
