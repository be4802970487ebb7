/*
 * Makes pages real: for each page that Sekisho delivers to etcd it writes public/<id>.html, and reports back which version of it.
 *
 *   ETCD=http://127.0.0.1:2379 node examples/worker/worker.ts
 *
 * The pattern of every worker: list what there should be, make it so, then follow the changes from that revision on. When the stream
 * breaks, begin again with the list. Doing something twice must be harmless.
 */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

const ETCD = process.env['ETCD'] ?? 'http://127.0.0.1:2379';
const FOLDER = process.env['PUBLIC'] ?? 'public';
const PREFIX = '/config/site/v1/pages/';

interface KeyValue {
  readonly key: string;
  readonly value?: string;
}

interface Page {
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

const encode = (text: string): string => Buffer.from(text).toString('base64');
const decode = (text = ''): string => Buffer.from(text, 'base64').toString();
/** All keys that begin with a prefix are a range up to the prefix with its last byte one higher. */
const prefixRange = (prefix: string) => ({
  key: encode(prefix),
  range_end: encode(prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)),
});

async function ask(path: string, body: unknown): Promise<Response> {
  const response = await fetch(`${ETCD}/v3/${path}`, { method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`etcd answered ${response.status}: ${await response.text()}`);
  return response;
}

async function publish({ key, value }: KeyValue): Promise<void> {
  const delivered = JSON.parse(decode(value)) as { body: string; version: number };
  const page = JSON.parse(delivered.body) as Page;
  let error = '';
  try {
    await writeFile(`${FOLDER}/${page.id}.html`, `<!doctype html>\n<title>${escape(page.title)}</title>\n<p>${escape(page.text)}</p>\n`);
    console.log(`published ${page.id}, version ${delivered.version}`);
  } catch (thrown) {
    error = String(thrown);
  }
  const path = decode(key).slice('/config'.length);
  const state = { version: delivered.version, error, state: error === '' ? 'published' : 'failed' };
  await ask('kv/put', { key: encode(`/state_watch/state${path}`), value: encode(JSON.stringify(state)) });
}

async function withdraw(key: string): Promise<void> {
  const id = decode(key).slice(PREFIX.length);
  await rm(`${FOLDER}/${id}.html`, { force: true });
  console.log(`withdrew ${id}`);
}

/** Makes the folder what etcd says; gives the revision that it stands for. */
async function publishAll(): Promise<bigint> {
  const list = (await (await ask('kv/range', prefixRange(PREFIX))).json()) as { header: { revision: string }; kvs?: KeyValue[] };
  const wanted = new Set((list.kvs ?? []).map(({ key }) => `${decode(key).slice(PREFIX.length)}.html`));
  for (const file of await readdir(FOLDER)) if (!wanted.has(file)) await rm(`${FOLDER}/${file}`);
  for (const each of list.kvs ?? []) await publish(each);
  return BigInt(list.header.revision);
}

async function follow(revision: bigint): Promise<void> {
  const start = { create_request: { ...prefixRange(PREFIX), start_revision: String(revision + 1n) } };
  const stream = (await ask('watch', start)).body?.pipeThrough(new TextDecoderStream()) ?? [];
  let rest = '';
  for await (const text of stream) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const { result } = JSON.parse(line) as { result: { canceled?: boolean; events?: { type?: string; kv: KeyValue }[] } };
      if (result.canceled === true) return;
      for (const { type, kv } of result.events ?? []) await (type === 'DELETE' ? withdraw(kv.key) : publish(kv));
    }
  }
}

function escape(text: string): string {
  return text.replace(/[&<>]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

await mkdir(FOLDER, { recursive: true });
for (;;) {
  try {
    await follow(await publishAll());
  } catch (error) {
    console.error(`${String(error)}; once more in a second`);
  }
  await pause(1000);
}
