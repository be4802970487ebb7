import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../test/support/until.ts';
import { createTenantDirectory, type Tenant } from '../identity/tenant-directory.ts';
import { SekishoError } from '../lib/errors.ts';
import { type Event, subscribe } from '../lib/event.ts';
import { createTenantFollower, type TenantFollowerOptions } from './tenant-follower.ts';

const DEMO: Tenant = { id: 'a', name: 'demo', domainId: 'd' };
const OPS: Tenant = { id: 'b', name: 'ops', domainId: 'd' };
const AWAY = new SekishoError('IDENTITY_UNAVAILABLE', 'away');

function followed(options: Partial<TenantFollowerOptions> = {}) {
  const state: { answer: () => Promise<readonly Tenant[]>; asked: number; changes: number } = {
    answer: () => Promise.reject(AWAY),
    asked: 0,
    changes: 0,
  };
  const tenants = (): Promise<readonly Tenant[]> => {
    state.asked += 1;
    return state.answer();
  };
  const directory = createTenantDirectory({ tenants, domains: () => Promise.resolve([]), close() {} });
  const follower = createTenantFollower({ directory, periodMs: 10, retryMs: 5, ...options });
  follower.follow(() => (state.changes += 1));
  return { state, follower, [Symbol.dispose]: () => follower.close() };
}

test('policies that need no tenants ask nobody', async () => {
  using subject = followed();
  await subject.follower.prepare([]);
  assert.deepEqual([subject.state.asked, subject.follower.current()], [0, 'unknown']);
});

test('the tenants are known after prepare, and changes are told', async () => {
  using subject = followed();
  const first = [DEMO];
  subject.state.answer = () => Promise.resolve(first);
  await subject.follower.prepare(['p']);
  assert.deepEqual(subject.follower.current(), [DEMO]);
  const { changes } = subject.state;
  await until('it is asked again', () => subject.state.asked > 3);
  assert.equal(subject.state.changes, changes, 'nothing changed');
  subject.state.answer = () => Promise.resolve([DEMO, OPS]);
  await until('the change is told', () => subject.state.changes > changes);
  assert.deepEqual(subject.follower.current(), [DEMO, OPS]);
});

test('a directory that is away keeps nothing from starting, and is asked until it answers', async () => {
  using subject = followed();
  await subject.follower.prepare(['p']);
  assert.equal(subject.follower.current(), 'unknown');
  subject.state.answer = () => Promise.resolve([DEMO]);
  await until('it is known', () => subject.follower.current() !== 'unknown');
  assert.equal(subject.state.changes, 1);
  subject.state.answer = () => Promise.reject(AWAY);
  await until('what is too old is forgotten', () => subject.follower.current() === 'unknown');
  assert.equal(subject.state.changes, 2);
});

test('a silent directory is not waited for', async () => {
  using subject = followed({ waitMs: 20 });
  let answer: (tenants: readonly Tenant[]) => void = () => {};
  subject.state.answer = () => new Promise((resolve) => (answer = resolve));
  await subject.follower.prepare(['p']);
  assert.equal(subject.follower.current(), 'unknown');
  answer([OPS]);
  await until('it is told', () => subject.state.changes === 1);
});

test('without a directory, patterns open nothing, and that is told', async () => {
  const events: Event[] = [];
  const unsubscribe = subscribe((event) => events.push(event));
  const follower = createTenantFollower({ directory: undefined, periodMs: 10 });
  await follower.prepare(['mine', 'other']);
  unsubscribe();
  assert.deepEqual(follower.current(), []);
  assert.match(events.find(({ type }) => type === 'warning')?.['text' as never] ?? '', /"mine", "other".*nothing configured knows tenants/);
  follower.close();
});
