import { ask } from '../test/support/client.ts';

/** Whose rows are asked for. */
export const TOKEN = 'demo_token';
const OTHER_TOKEN = 'power_user_token';
const STATUSES = ['available', 'pending', 'sold', 'lost'];
const NOTE = 'every traveller was judged by one written policy';

export type Item = Readonly<Record<string, unknown>>;

/** What every schema of `items-schema.ts` asks for, without an id. */
export function toItem(index: number): Item {
  return { name: `item ${index}`, status: STATUSES[index % STATUSES.length], level: index % 100, is_active: index % 3 === 0, note: NOTE };
}

/** Makes `count` rows of the tenant that asks, and as many of another one: ids are `i0`, `i1`, …. */
export async function fill(url: string, plural: string, count: number, more: (index: number) => Item = () => ({})): Promise<void> {
  for (let index = 0; index < 2 * count; index += 1) {
    const { status, text } = await ask(`${url}/bench/${plural}`, {
      method: 'POST',
      headers: { 'x-auth-token': index < count ? TOKEN : OTHER_TOKEN, 'content-type': 'application/json' },
      body: { id: `i${index}`, ...toItem(index), ...more(index) },
    });
    if (status !== 201) throw new Error(`${plural}: a row can't be made: ${status} ${text}`);
  }
}

/** How many rows of a collection the tenant has. */
export async function countRows(url: string, plural: string): Promise<number> {
  const { headers } = await ask(`${url}/bench/${plural}?limit=1`, { headers: { 'x-auth-token': TOKEN } });
  return Number(headers['x-total-count']);
}
