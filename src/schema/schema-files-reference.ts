import { expected } from './check-keys.ts';
import { FORMATS } from './formats.ts';
import * as keys from './schema-keys.ts';

const INTRODUCTION = `# Schema files

A schema file, YAML 1.2 or JSON, defines resources: each schema becomes a table and a REST API. The configuration lists the files (\`schemas\`); a file can include others. Schemas may stand in any order, and may relate to themselves and in circles. \`sekisho validate FILE…\` tells everything that is wrong with files, each with \`file:line:column\`.

\`embed://…\` names of Gohan are accepted; what they stood for is there in any case. Texts such as \`n\`, \`y\` and \`on\` are texts, not booleans. Keys marked ◆ are Sekisho's own; the others are Gohan's.

\`\`\`yaml
schemas:
- id: pet
  singular: pet
  plural: pets
  prefix: /v1
  title: Pet
  description: an animal of the store
  schema:
    type: object
    required: [name]
    properties:
      id: { type: string, title: ID, description: key, permission: [create] }
      name: { type: string, title: Name, description: how it is called, permission: [create, update] }
policies:
- { id: pets_of_members, principal: Member, action: '*', resource: { path: ^/v1/pets } }
\`\`\`
`;

const URLS = `The URL is \`/<prefixes of the namespaces>/<prefix>/<plural>\`. With a parent, the resources are found under \`/<prefix>/<parent's plural>/<parent's id>/<plural>\` too.

With \`extends\`, what the schema has itself wins whole; what its bases require comes first, and so does their order of properties. Of several bases the first one wins.
`;

const CONDITIONS = `A list; all of its conditions hold.

| condition | holds for |
|---|---|
| \`is_owner\` | resources whose \`tenant_id\` (and \`domain_id\`) are those of the caller |
| \`is_domain_owner\` | resources of the caller's domain |
| \`{type: belongs_to, …}\` | widens \`is_owner\` by other tenants |
| \`{type: property, …}\` | resources whose properties have certain values |
| \`{and: […]}\`, \`{or: […]}\` | trees of \`is_owner\`, \`is_domain_owner\`, \`same_tenancy\`, \`{match: …}\`, \`and\` and \`or\` |
| \`same_tenancy\` | (attach) targets of the tenant and domain of the resource |
| \`skip_tenant_domain_check\` | (attach) targets of other tenants too |
`;

/** The reference page of schema files, `docs/reference/schema-files.md`, made from the tables of their keys. */
export function schemaFilesReference(): string {
  const parts = [
    INTRODUCTION,
    section('File', keys.FILE_KEYS),
    section('Schemas', keys.SCHEMA_KEYS, URLS),
    section('Schema', keys.RESOURCE_SCHEMA_KEYS, 'Beside the keywords of JSON Schema:\n'),
    section('Properties', keys.PROPERTY_KEYS, 'A property has `type`, further [keywords](#json-schema), and:\n'),
    section(
      'JSON schema',
      keys.KEYWORDS,
      'Draft 4; these keywords decide what is valid, at every depth. Other keys are kept and have no effect.\n',
    ),
    `## Formats\n\nThey judge texts alone. A format that is not in this list is an error of the file.\n\n| format | |\n|---|---|\n${Object.entries(
      FORMATS,
    )
      .map(([name, { doc }]) => `| \`${name}\` | ${cell(doc)} |`)
      .join('\n')}\n`,
    section('Indexes', keys.INDEX_KEYS, 'Those of a base are inherited; their names then begin with the table.\n'),
    section('Metadata', keys.METADATA_KEYS, 'Other keys are kept and shown in the schema API.\n'),
    section('Locking policy', keys.LOCKING_KEYS),
    section('Actions', keys.ACTION_KEYS),
    section('Namespaces', keys.NAMESPACE_KEYS),
    section('Policies', keys.POLICY_KEYS),
    section('Resource of a policy', keys.POLICY_RESOURCE_KEYS),
    `## Conditions\n\n${CONDITIONS}`,
    section('Condition belongs_to', keys.BELONGS_TO_KEYS),
    section('Condition property', keys.PROPERTY_CONDITION_KEYS),
    section('Match', keys.MATCH_KEYS),
    section('Extensions', keys.EXTENSION_KEYS),
  ];
  return `${parts.join('\n').trimEnd()}\n`;
}

function section(title: string, table: keys.SchemaKeys, text = ''): string {
  const rows = Object.entries(table).map(([name, key]) => {
    const mark = key.origin === 'sekisho' ? ' ◆' : '';
    const other = key.alias === undefined ? '' : ` Also written \`${key.alias}\`.`;
    return `| \`${name}\`${mark} | ${cell(expected(key))}${key.required ? ', required' : ''} | ${cell(key.doc)}${other} |`;
  });
  return `## ${title}\n\n${text}${text === '' ? '' : '\n'}| key | allowed | |\n|---|---|---|\n${rows.join('\n')}\n`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
