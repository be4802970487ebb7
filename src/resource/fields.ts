import type { RawHeaders } from '../http/exchange.ts';

/** The value of a field, several joined by a comma (RFC 9110 §5.3); `undefined` when it is not there. `name` in lower case. */
export function fieldValue(headers: RawHeaders, name: string): string | undefined {
  let value: string | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    const key = headers[i] as string;
    if (key.length !== name.length || key.toLowerCase() !== name) continue;
    value = value === undefined ? (headers[i + 1] as string) : `${value}, ${headers[i + 1]}`;
  }
  return value;
}

/** A list field as its members, without optional white space. */
export function fieldList(value: string | undefined): readonly string[] {
  return value === undefined
    ? []
    : value
        .split(',')
        .map((member) => member.trim())
        .filter((member) => member !== '');
}
