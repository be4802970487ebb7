import { Failure } from '../failure.ts';

/** One environment variable of the client, under its names: the first that is set and not empty counts. */
export interface ClientVariable {
  readonly names: readonly string[];
  readonly default?: string;
  readonly help: string;
}

/** Where the client finds the server, who it is there, and how it prints: the source of its help. The names are Gohan's and Keystone's beside our own. */
export const CLIENT_VARIABLES = {
  endpoint: {
    names: ['SEKISHO_ENDPOINT_URL', 'GOHAN_ENDPOINT_URL'],
    default: 'http://127.0.0.1:8080',
    help: 'address of the REST API',
  },
  serviceName: {
    names: ['SEKISHO_SERVICE_NAME', 'GOHAN_SERVICE_NAME'],
    help: "name of the service in Keystone's catalogue, instead of the address",
  },
  region: { names: ['SEKISHO_REGION', 'GOHAN_REGION'], help: 'region of that service' },
  schemaUrl: { names: ['SEKISHO_SCHEMA_URL', 'GOHAN_SCHEMA_URL'], default: '/gohan/v0.1/schemas', help: 'path of the schemas' },
  cacheSchemas: { names: ['SEKISHO_CACHE_SCHEMAS', 'GOHAN_CACHE_SCHEMAS'], default: 'true', help: 'keep the schemas in a file' },
  cacheTimeout: { names: ['SEKISHO_CACHE_TIMEOUT', 'GOHAN_CACHE_TIMEOUT'], default: '5m', help: 'how long that file counts' },
  cachePath: {
    names: ['SEKISHO_CACHE_PATH', 'GOHAN_CACHE_PATH'],
    help: 'that file; one per server and user in ~/.cache/sekisho when unset',
  },
  outputFormat: { names: ['SEKISHO_OUTPUT_FORMAT', 'GOHAN_OUTPUT_FORMAT'], default: 'table', help: '--output-format' },
  verbosity: { names: ['SEKISHO_VERBOSITY', 'GOHAN_VERBOSITY'], default: '0', help: '--verbosity' },
  fields: { names: ['SEKISHO_FIELDS', 'GOHAN_FIELDS'], help: '--fields' },
  token: { names: ['SEKISHO_TOKEN', 'OS_TOKEN_ID', 'OS_TOKEN'], help: 'token that is sent as X-Auth-Token' },
  authUrl: { names: ['OS_AUTH_URL'], help: 'Keystone, which gives the token when there is none' },
  userName: { names: ['OS_USERNAME'], help: 'user name there' },
  password: { names: ['OS_PASSWORD'], help: 'password there' },
  userDomain: { names: ['OS_USER_DOMAIN_NAME', 'OS_DOMAIN_NAME'], default: 'Default', help: "name of the user's domain" },
  domainId: { names: ['OS_DOMAIN_ID'], help: 'domain that the token is for' },
  tenantName: { names: ['OS_TENANT_NAME', 'OS_PROJECT_NAME'], help: 'name of the tenant that the token is for' },
  tenantId: { names: ['OS_TENANT_ID', 'OS_PROJECT_ID'], help: 'its id' },
} as const satisfies Readonly<Record<string, ClientVariable>>;

type VariableName = keyof typeof CLIENT_VARIABLES;

/** The text of a variable, or its default. */
export function clientVariable(env: NodeJS.ProcessEnv, name: VariableName): string | undefined {
  const variable: ClientVariable = CLIENT_VARIABLES[name];
  const found = variable.names.find((known) => env[known]);
  return found === undefined ? variable.default : env[found];
}

/** Like `clientVariable`; a usage `Failure` when it is not set. */
export function neededVariable(env: NodeJS.ProcessEnv, name: VariableName): string {
  const text = clientVariable(env, name);
  if (text === undefined) throw new Failure(2, `Environment variable ${CLIENT_VARIABLES[name].names[0]} needs to be set`);
  return text;
}

/** The variables that the client reads, for the help and the reference page. */
export function variableRows(): readonly (readonly [names: string, help: string])[] {
  return Object.values(CLIENT_VARIABLES).map((variable: ClientVariable) => [
    variable.names.join(', '),
    `${variable.help}${variable.default === undefined ? '' : ` (default ${variable.default})`}`,
  ]);
}
