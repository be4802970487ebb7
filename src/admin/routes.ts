import { jsonAnswer } from './answer.ts';
import { toOpenApi } from './openapi.ts';
import type { AdminRoute } from './route.ts';
import { CHANGES_ROUTES } from './routes-changes.ts';
import { CLUSTER_ROUTES } from './routes-cluster.ts';
import { DOCUMENT_ROUTES } from './routes-document.ts';
import { ENTITY_ROUTES } from './routes-entity.ts';
import { EXPLAIN_ROUTES } from './routes-explain.ts';
import { EXTENSION_ROUTES } from './routes-extension.ts';
import { HEALTH_ROUTES } from './routes-health.ts';
import { MODULE_ROUTES } from './routes-module.ts';
import { RAFT_ROUTES } from './routes-raft.ts';
import { STATE_ROUTES } from './routes-state.ts';
import { SYNC_ROUTES } from './routes-sync.ts';
import { WEBHOOK_ROUTES } from './routes-webhook.ts';
import { WORKER_ROUTES } from './routes-worker.ts';

const OPENAPI_ROUTE: AdminRoute = {
  id: 'openapi',
  method: 'GET',
  path: '/openapi.json',
  group: 'health',
  summary: 'Gives the OpenAPI 3.1 description of the admin API',
  query: [],
  early: true,
  responses: { 200: { doc: 'An OpenAPI document.', schema: { type: 'object' } } },
  handle: (_request, { version, auth }) => jsonAnswer(toOpenApi(ADMIN_ROUTES, version, auth)),
};

/** Every route of the admin API: the one table behind dispatch, validation, `/openapi.json` and docs/reference/admin-api.md. */
export const ADMIN_ROUTES: readonly AdminRoute[] = [
  ...HEALTH_ROUTES,
  OPENAPI_ROUTE,
  ...STATE_ROUTES,
  ...EXPLAIN_ROUTES,
  ...MODULE_ROUTES,
  ...EXTENSION_ROUTES,
  ...WORKER_ROUTES,
  ...SYNC_ROUTES,
  ...WEBHOOK_ROUTES,
  ...CLUSTER_ROUTES,
  ...RAFT_ROUTES,
  ...CHANGES_ROUTES,
  ...ENTITY_ROUTES,
  ...DOCUMENT_ROUTES,
];
