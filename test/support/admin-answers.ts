import assert from 'node:assert/strict';
import type { AdminServer } from './admin-server.ts';
import type { Answer } from './client.ts';

const MODULE = Buffer.from('export {}').toString('base64');
/** A put that is complete, for every kind but namespaces. */
export const EXAMPLES = {
  domain: { name: 'd', patterns: ['a.example'], priority: 7 },
  service: { name: 's', urls: ['http://127.0.0.1:1'], retryTimeout: '50ms', requestTimeout: 1_000_000 },
  module: { name: 'm', payload: MODULE, moduleType: 'javascript' },
  route: { name: 'r', paths: ['/x'], methods: ['GET'], service: 's', modules: ['m'] },
  collection: { name: 'c', schema: { type: 'object', required: ['a'] } },
  secret: { name: 'k', data: 'canary-secret' },
} as const;

/** An answer is a problem of this status, code and detail, in the form that all have. */
export function assertProblem(answer: Answer, status: number, code: string, text?: string | RegExp): void {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  const problem = answer.json();
  assert.equal(problem.status, status);
  assert.equal(problem.code, code);
  assert.equal(problem.error, problem.detail);
  assert.ok(problem.title && problem.type.endsWith(`#${code}`));
  if (typeof text === 'string') assert.equal(problem.detail, text);
  if (text instanceof RegExp) assert.match(problem.detail, text);
}

/** Puts an entity, which has to be accepted. */
export async function put(admin: AdminServer, kind: string, entity: unknown): Promise<Answer> {
  const answer = await admin.call('PUT', `/api/v1/${kind}`, entity);
  assert.equal(answer.status, 201, answer.text);
  return answer;
}

/** Puts every example; they refer to one another. */
export async function putAll(admin: AdminServer): Promise<void> {
  for (const kind of ['domain', 'service', 'module', 'route', 'collection', 'secret'] as const) await put(admin, kind, EXAMPLES[kind]);
}
