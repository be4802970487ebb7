/** Writes the pages of docs/reference/ that are made from tables in the source; with `--check` fails if one of them is not what it would write. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { adminReference } from '../src/admin/admin-reference.ts';
import { toOpenApi } from '../src/admin/openapi.ts';
import { ADMIN_ROUTES } from '../src/admin/routes.ts';
import { cliReference } from '../src/cli/reference.ts';
import { toJsonSchema } from '../src/config/json-schema.ts';
import { configurationReference } from '../src/config/reference.ts';
import { gohanReference } from '../src/extension/gohan-reference.ts';
import { VERSION } from '../src/lib/version.ts';
import { schemaFilesReference } from '../src/schema/schema-files-reference.ts';
import { metricsReference } from '../src/server/metrics-reference.ts';
import { errorsPage } from './errors-page.ts';

const NOTE = '<!-- Made by `npm run docs`: change the table in the source instead. -->\n\n';

/** Every generated file with what makes it. */
const PAGES: readonly (readonly [path: string, make: () => string])[] = [
  ['docs/reference/configuration.md', configurationReference],
  ['docs/reference/sekisho.schema.json', () => toJson(toJsonSchema())],
  ['docs/reference/schema-files.md', schemaFilesReference],
  ['docs/reference/gohan-javascript.md', gohanReference],
  ['docs/reference/cli.md', cliReference],
  ['docs/reference/admin-api.md', adminReference],
  ['docs/reference/openapi.json', () => toJson(toOpenApi(ADMIN_ROUTES, VERSION, { method: 'none' }))],
  ['docs/reference/errors.md', errorsPage],
  ['docs/reference/metrics.md', metricsReference],
];

const isCheck = process.argv.includes('--check');
const stale: string[] = [];
for (const [path, make] of PAGES) {
  const text = path.endsWith('.md') ? NOTE + make().trimEnd() + '\n' : make();
  if (read(path) === text) continue;
  stale.push(path);
  if (isCheck) continue;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
if (isCheck && stale.length > 0) {
  console.error(`out of date, run npm run docs: ${stale.join(', ')}`);
  process.exitCode = 1;
} else {
  console.log(stale.length > 0 ? `written: ${stale.join(', ')}` : 'reference pages are up to date');
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
