import type { AdminRoute } from './route.ts';
import { ADMIN_ROUTES } from './routes.ts';

/** The page `docs/reference/admin-api.md`, made from the table of routes. */
export function adminReference(): string {
  const groups = [...new Set(ADMIN_ROUTES.map((route) => route.group))];
  return `# Admin API

Every path asks for the credentials of \`admin.auth_method\`, \`/healthz\` and \`/metrics\` included. \`GET /openapi.json\` has the schemas.

- Lists answer \`{"count": N, "data": […], "status_code": S}\`, sorted by name; one entity \`{"data": {…}, "status_code": S}\`.
- Errors are \`application/problem+json\` (RFC 9457) with a stable \`code\` (see errors.md); \`error\` repeats the detail for clients of DGate.
- \`namespace\` is \`default\` when neither body nor query names one; with \`disable_default_namespace\` that is a 400.
- Answers carry the revision of the state as \`ETag\` and \`X-Sekisho-Revision\`. A change with \`If-Match: "<revision>"\` or \`?expect=<revision>\` is refused with 412 when the state has moved on.
- A change answers when it is stored and served. \`?dry_run=true\` checks and builds it, and stores nothing.
- Private keys of domains are answered empty, secrets as \`**redacted**\`.
- Unknown query parameters are refused, so that a misspelt \`namespace\` cannot act on the wrong one.
- A known path with another method answers 405 with \`Allow\`; HEAD is not implied by GET.

${groups.map(groupText).join('\n')}`;
}

function groupText(group: string): string {
  return `## ${group}\n\n${ADMIN_ROUTES.filter((route) => route.group === group)
    .map(routeText)
    .join('\n')}`;
}

function routeText(route: AdminRoute): string {
  const query = route.query
    .map((one) => `  - \`${one.name}\` (${one.type}${one.default === undefined ? '' : `, default ${one.default}`}): ${one.doc}\n`)
    .join('');
  const body = route.body === undefined ? '' : `  - body: ${route.body.doc}\n`;
  const answers = Object.entries(route.responses)
    .map(([status, rule]) => `  - ${status}: ${rule.doc}\n`)
    .join('');
  return `- \`${route.method} ${route.path}\`: ${route.summary}.\n${query}${body}${answers}`;
}
