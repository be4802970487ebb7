import type { RawHeaders } from '../http/exchange.ts';

/** The first value of a field, whatever the case of its name; `undefined` when it is absent. */
export function headerValue(headers: RawHeaders, name: string): string | undefined {
  const wanted = name.toLowerCase();
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() === wanted) return headers[i + 1];
  }
  return undefined;
}

/** All values of a field, in order, lists split at their commas. */
export function headerList(headers: RawHeaders, name: string): readonly string[] {
  const wanted = name.toLowerCase();
  const values: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]?.toLowerCase() !== wanted) continue;
    for (const part of (headers[i + 1] ?? '').split(',')) if (part.trim() !== '') values.push(part.trim());
  }
  return values;
}
