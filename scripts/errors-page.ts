import { REASONS } from '../src/identity/reasons.ts';
import { ERRORS } from '../src/lib/error-table.ts';

/** What the first word of a code is about, in the order of the page. */
const AREAS: readonly (readonly [title: string, prefixes: readonly string[]])[] = [
  ['Anywhere', ['INTERNAL']],
  ['Configuration and start', ['CONFIG', 'LISTEN']],
  ['Entities, documents and the store', ['ENTITY', 'REVISION', 'COLLECTION', 'DOCUMENT', 'STORE', 'SECRET', 'CERTIFICATE']],
  ['Modules', ['MODULE']],
  ['The admin API', ['ADMIN', 'NOT']],
  ['Data models', ['SCHEMA', 'RESOURCE', 'QUERY', 'PAGE', 'IDEMPOTENCY', 'POLICY', 'IDENTITY', 'DATABASE', 'MIGRATION']],
  ['The proxy', []],
];

/** The page `docs/reference/errors.md`, made from the table of errors. */
export function errorsPage(): string {
  const codes = Object.keys(ERRORS) as (keyof typeof ERRORS)[];
  const areaOf = (code: string): number => {
    const index = AREAS.findIndex(([, prefixes]) => prefixes.includes(code.split('_')[0] ?? ''));
    return index < 0 ? AREAS.length - 1 : index;
  };
  const sections = AREAS.map(([title], index) => {
    const rows = codes
      .filter((code) => areaOf(code) === index)
      .map((code) => `| \`${code}\` | ${ERRORS[code].status} | ${ERRORS[code].title} | ${escape(ERRORS[code].help)} |`);
    return `## ${title}\n\n| code | status | title | what it means |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `# Errors

Errors of the admin API and of the gateway itself are \`application/problem+json\` (RFC 9457):

\`\`\`json
{
  "type": "https://sekisho.dev/errors#ENTITY_NOT_FOUND",
  "title": "Not found",
  "status": 404,
  "detail": "route not found: users",
  "code": "ENTITY_NOT_FOUND",
  "error": "route not found: users"
}
\`\`\`

\`code\` is stable: match on it. \`detail\` is for people and may change; \`error\` repeats it for clients of DGate. \`errors\`, when there,
lists each invalid part with its place (\`pointer\`) and what is wrong (\`detail\`). Answers with a 5xx status have an \`id\`: the log
holds the cause under it, the answer never does.

The CLI prints the detail on stderr.

${sections.join('\n')}
## Reasons of IDENTITY_REQUIRED

A 401 of the data models has a member \`reason\`, which is as stable as the code; \`WWW-Authenticate\` repeats it.

| reason | what it means |
|---|---|
${Object.entries(REASONS)
  .map(([reason, text]) => `| \`${reason}\` | ${escape(text)} |`)
  .join('\n')}
`;
}

function escape(text: string): string {
  return text.replaceAll('|', '\\|');
}
