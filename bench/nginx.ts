import { spawn } from 'node:child_process';
import { ask } from '../test/support/client.ts';
import { createTempFolder } from '../test/support/temp.ts';
import { until } from '../test/support/until.ts';
import { LOAD_CORE, SERVER_CORE } from './cores.ts';

/** A running nginx of one process. */
export interface Nginx extends AsyncDisposable {
  readonly pid: number;
  readonly url: string;
}

const BODY = JSON.stringify({
  id: 42,
  name: 'checkpoint',
  items: [1, 2, 3, 4, 5, 6, 7, 8],
  text: 'every traveller was judged by one written policy '.repeat(3),
});

/** The upstream of all proxies: answers 200 with some 200 bytes of JSON, and tells in `x-saw-mod` which `x-mod` it was sent. */
export function startUpstreamNginx(port: number): Promise<Nginx> {
  return startNginx(
    port,
    LOAD_CORE,
    '',
    `location / { default_type application/json; add_header x-saw-mod $http_x_mod; return 200 '${BODY}'; }`,
  );
}

/** The peer: `/` proxies to the upstream over kept-alive connections; `/lua` sets a field on the way in and one on the way out in Lua. */
export function startReferenceNginx(port: number, upstreamPort: number): Promise<Nginx> {
  const proxy =
    'proxy_pass http://upstream; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header X-Forwarded-For $remote_addr;';
  return startNginx(
    port,
    SERVER_CORE,
    `load_module /usr/lib/nginx/modules/ndk_http_module.so;
     load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;`,
    `location / { ${proxy} }
     location /lua {
       access_by_lua_block { ngx.req.set_header("x-mod", "1") }
       header_filter_by_lua_block { ngx.header["x-mod-res"] = "1" }
       ${proxy}
     }`,
    `upstream upstream { server 127.0.0.1:${upstreamPort}; keepalive 256; keepalive_requests 1000000000; }`,
  );
}

async function startNginx(port: number, core: string, modules: string, locations: string, upstream = ''): Promise<Nginx> {
  const folder = createTempFolder('sekisho-bench-');
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder.path}/${kind};`).join(' ');
  const config = folder.write(
    'nginx.conf',
    `${modules}
     daemon off; master_process off; worker_processes 1; pid ${folder.path}/pid;
     events { worker_connections 8192; }
     http {
       access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; ${temp} ${upstream}
       server { listen 127.0.0.1:${port} backlog=4096; ${locations} }
     }`,
  );
  const nginx = spawn('taskset', ['-c', core, 'nginx', '-p', folder.path, '-e', `${folder.path}/error.log`, '-c', config], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => nginx.once('close', () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    nginx.kill('SIGTERM');
    await ended;
    folder.remove();
  };
  try {
    await until('nginx answers', async () => {
      if (nginx.exitCode !== null) throw new Error('nginx ended at its start');
      return ask(url).catch(() => undefined);
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { pid: nginx.pid ?? 0, url, [Symbol.asyncDispose]: stop };
}
