import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toModuleEnv } from './module-env.ts';

const ENV = {
  PATH: '/bin',
  HOME: '/root',
  DB_PASSWORD: 'x',
  GITHUB_TOKEN: 'x',
  AWS_SECRET_ACCESS_KEY: 'x',
  API_KEY: 'x',
  SEKISHO_ADMIN_AUTH: 'u:p',
  KEYBOARD: 'us',
  MONKEY: 'm',
  GONE: undefined,
};

test('modules see the environment but what looks like a secret', () => {
  assert.deepEqual(toModuleEnv(ENV, undefined), { PATH: '/bin', HOME: '/root', KEYBOARD: 'us', MONKEY: 'm' });
});

test('a list shows exactly what it names', () => {
  assert.deepEqual(toModuleEnv(ENV, ['API_KEY', 'GONE', 'NONE']), { API_KEY: 'x' });
  assert.deepEqual(toModuleEnv(ENV, []), {});
});
