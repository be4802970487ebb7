import type { RequestHandler } from '@sekisho/sdk';
import { sha256 } from 'sekisho/crypto';
import { addDocument, getDocument } from 'sekisho/state';

/** POST /?url=… makes a short link, GET /{id} follows it. */
export const requestHandler: RequestHandler = async (ctx) => {
  const answer = ctx.response();
  if (ctx.request().method === 'POST') {
    const url = ctx.query().get('url');
    if (!/^https?:\/\//.test(url)) return answer.status(400).json({ error: 'url must be an absolute http(s) URL' });
    const id = sha256(url, 'hex').slice(0, 10);
    await addDocument({ id, collection: 'links', data: { url } });
    return answer.status(201).location(`/${id}`).json({ id });
  }
  const id = ctx.pathParam('id');
  const link = id === '' ? null : await getDocument<{ url: string }>(id, 'links');
  return link === null ? answer.status(404).json({ error: 'there is no such link' }) : answer.redirect(link.data.url);
};
