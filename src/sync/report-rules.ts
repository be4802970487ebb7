import { SekishoError } from '../lib/errors.ts';
import type { Resource } from '../sql/types.ts';

/** What a worker says about a resource. */
export type Report =
  | { readonly kind: 'state'; readonly version: number; readonly error: string; readonly state: string }
  | { readonly kind: 'monitoring'; readonly version: number; readonly monitoring: string };

/** The columns of a row with `state_versioning` that reports are judged by. */
export interface StoredState {
  readonly configVersion: number;
  readonly stateVersion: number;
  readonly error: string;
  readonly state: string;
  readonly monitoring: string;
}

/** The state of a row with `allFields`. */
export function toStored(row: Resource): StoredState {
  const text = (name: string): string => (typeof row[name] === 'string' ? row[name] : '');
  return {
    configVersion: Number(row['config_version'] ?? 0),
    stateVersion: Number(row['state_version'] ?? 0),
    error: text('state_error'),
    state: text('state'),
    monitoring: text('state_monitoring'),
  };
}

/** Reads the value of a key under `/state_watch/`. SYNC_STATE_INVALID when it is none. */
export function parseReport(kind: Report['kind'], text: string): Report {
  const { version, error, state, monitoring } = parseObject(kind, text);
  if (typeof version !== 'number') throw invalid(`No version in ${kind} information: "version" must be a number, found ${found(version)}`);
  if (kind === 'state') return { kind, version, error: toText(error), state: toText(state) };
  if (monitoring === undefined || monitoring === null) throw invalid('No monitoring in monitoring information: "monitoring" is missing');
  return { kind, version, monitoring: toText(monitoring) };
}

/**
 * Why a report is not to be stored, or undefined when it is. `isListed`: it was found, not heard of, and may have been stored long ago.
 * A state counts while the resource has not reached its configured version, and never goes back; monitoring counts once it has.
 */
export function whyIgnored(report: Report, stored: StoredState, isListed: boolean): string | undefined {
  const { configVersion, stateVersion } = stored;
  if (report.kind === 'state') {
    if (stateVersion === configVersion) return `version ${configVersion} is reached already`;
    if (report.version < stateVersion) return `version ${report.version} is older than ${stateVersion}`;
    const isSame = report.version === stateVersion && report.error === stored.error && report.state === stored.state;
    return isListed && isSame ? 'it is stored already' : undefined;
  }
  if (configVersion !== stateVersion) return `version ${configVersion} is not reached: the state is that of ${stateVersion}`;
  if (report.version !== configVersion) return `it is about version ${report.version}, not ${configVersion}`;
  return isListed && report.monitoring === stored.monitoring ? 'it is stored already' : undefined;
}

function parseObject(kind: Report['kind'], text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid(`the ${kind} is no JSON: ${text.slice(0, 80)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(`the ${kind} is no JSON object: ${text.slice(0, 80)}`);
  return value as Readonly<Record<string, unknown>>;
}

function toText(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function found(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value);
}

function invalid(detail: string): SekishoError {
  return new SekishoError('SYNC_STATE_INVALID', detail);
}
