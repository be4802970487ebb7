/** Where lines go. */
export interface LineSink {
  write(line: string): void;
}

const COLOR: Readonly<Record<string, string>> = {
  debug: '\u001b[90m',
  info: '\u001b[36m',
  warn: '\u001b[33m',
  error: '\u001b[31m',
  fatal: '\u001b[35m',
};
const RESET = '\u001b[0m';
/** Said by the line itself, or of no use to a reader at a terminal. */
const HIDDEN: ReadonlySet<string> = new Set([
  'level',
  'time',
  'msg',
  'event',
  'node_id',
  'version',
  'tags',
  'durationMs',
  'causes',
  'errors',
]);

/** Turns JSON lines of the log into readable ones: time, level, what happened, then the fields as `name=value`; causes below. */
export function createTextStream(sink: LineSink, color: boolean): LineSink {
  return { write: (line) => sink.write(toText(line, color)) };
}

function toText(line: string, color: boolean): string {
  const fields = JSON.parse(line) as Record<string, unknown>;
  const level = String(fields.level);
  const word = level.toUpperCase().padEnd(5);
  const head = `${String(fields.time).slice(11, 23)} ${color ? `${COLOR[level] ?? ''}${word}${RESET}` : word}`;
  if (fields.event === 'request') return `${head} ${requestText(fields)}\n`;
  const took = typeof fields.durationMs === 'number' ? ` (${fields.durationMs} ms)` : '';
  return `${head} ${oneLine(String(fields.msg))}${took}${rest(fields, HIDDEN)}${below(fields)}\n`;
}

const REQUEST_SHOWN: ReadonlySet<string> = new Set([
  ...HIDDEN,
  'method',
  'host',
  'target',
  'status',
  'bytes',
  'upstreamMs',
  'attempts',
  'remoteAddress',
  'traceId',
]);

/** `GET example.com/users 200 3.1 ms (upstream 2.4 ms) route=users …`. */
function requestText(fields: Readonly<Record<string, unknown>>): string {
  const upstream =
    Number(fields.attempts) > 0
      ? ` (upstream ${String(fields.upstreamMs)} ms${Number(fields.attempts) > 1 ? `, ${String(fields.attempts)} attempts` : ''})`
      : '';
  return `${String(fields.method)} ${String(fields.host)}${String(fields.target)} ${String(fields.status)} ${String(fields.durationMs)} ms${upstream}${rest(fields, REQUEST_SHOWN)}`;
}

function rest(fields: Readonly<Record<string, unknown>>, hidden: ReadonlySet<string>): string {
  let text = '';
  for (const [name, value] of Object.entries(fields)) {
    if (hidden.has(name) || value === '' || value === undefined) continue;
    text += ` ${name}=${typeof value === 'string' && !/[\s"=]/.test(value) ? value : JSON.stringify(value)}`;
  }
  return text;
}

/** Field errors and stacks of causes, indented. */
function below(fields: Readonly<Record<string, unknown>>): string {
  const errors = Array.isArray(fields.errors)
    ? fields.errors.map((one: { pointer?: string; detail?: string }) => `${one.pointer ?? ''}: ${one.detail ?? ''}`)
    : [];
  const causes = Array.isArray(fields.causes) ? fields.causes.map((cause) => `caused by ${String(cause)}`) : [];
  return [...errors, ...causes].map((text) => `\n    ${stripControls(text).replaceAll('\n', '\n    ')}`).join('');
}

/** A module's or a client's text may not forge lines or move the cursor of a terminal. */
function oneLine(text: string): string {
  return stripControls(text).replaceAll('\n', '\n    ');
}

function stripControls(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what is taken out
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
