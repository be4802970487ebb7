const UNITS: Readonly<Record<string, number>> = { b: 1, kb: 1e3, mb: 1e6, gb: 1e9, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 };

/** Bytes of an integer or of a text such as `512`, `64KB` (1000) or `10MiB` (1024²); `undefined` when it is neither or not a whole number. */
export function parseBytes(value: unknown): number | undefined {
  const bytes = typeof value === 'string' ? parseText(value) : value;
  return typeof bytes === 'number' && Number.isSafeInteger(bytes) ? bytes : undefined;
}

function parseText(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text.trim());
  const unit = UNITS[(match?.[2] || 'b').toLowerCase()];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}
