/** A name as the value of a header field: names may hold any character, and what is not visible ASCII is percent-encoded. */
export function toFieldText(name: string): string {
  return name.replace(/[^\x20-\x7e]/gu, encodeURIComponent);
}
