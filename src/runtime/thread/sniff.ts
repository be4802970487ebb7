const SIGNATURES: readonly (readonly [string, string])[] = [
  ['%PDF-', 'application/pdf'],
  ['\x89PNG\r\n\x1a\n', 'image/png'],
  ['\xff\xd8\xff', 'image/jpeg'],
  ['GIF87a', 'image/gif'],
  ['GIF89a', 'image/gif'],
  ['PK\x03\x04', 'application/zip'],
  ['\x1f\x8b\x08', 'application/x-gzip'],
];
const HTML = /^(?:<!doctype html|<(?:html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p)[ >]|<!--)/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the bytes that the WHATWG sniffing standard calls binary
const BINARY = /[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]/;

/** The media type of a body whose module named none, by its first 512 bytes (the WHATWG MIME sniffing rules as DGate applies them). */
export function sniffType(body: string | Uint8Array): string {
  const start =
    typeof body === 'string'
      ? body.slice(0, 512)
      : Buffer.from(body.buffer, body.byteOffset, Math.min(512, body.byteLength)).toString('latin1');
  const text = start.replace(/^[\t\n\f\r ]+/, '');
  if (HTML.test(text)) return 'text/html; charset=utf-8';
  if (text.startsWith('<?xml')) return 'text/xml; charset=utf-8';
  for (const [signature, type] of SIGNATURES) if (start.startsWith(signature)) return type;
  return BINARY.test(start) ? 'application/octet-stream' : 'text/plain; charset=utf-8';
}
