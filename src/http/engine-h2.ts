import { createServer } from 'node:http2';
import type { Socket } from 'node:net';
import type { FrontState } from './front-state.ts';
import { H2Connection } from './h2-connection.ts';
import { peerAddress } from './peer-address.ts';

/** HTTP/2 over sockets that it is given. */
export interface EngineH2 {
  accept(socket: Socket): void;
}

const MAX_STREAMS = 128;
/** Above the guard's limits, so that its exact answer (431, 414) comes first; what is beyond even this is a stream error. */
const HEADER_SLACK = 2;

/** Makes the HTTP/2 engine of one listener. Floods of resets, pings, settings and rejected streams end the session (limits of node:http2 and nghttp2). */
export function createEngineH2(state: FrontState, listener: string, isTls: boolean): EngineH2 {
  const { limits } = state;
  const server = createServer({
    maxSessionMemory: 10,
    maxHeaderListPairs: limits.maxHeaders * HEADER_SLACK + 8,
    maxOutstandingPings: 10,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
    maxSendHeaderBlockLength: 262_144,
    strictSingleValueFields: false,
    settings: {
      maxConcurrentStreams: MAX_STREAMS,
      maxHeaderListSize: (limits.maxHeaderBytes + limits.maxTargetBytes) * HEADER_SLACK,
      enableConnectProtocol: false,
      initialWindowSize: 262_144,
    },
  } as Parameters<typeof createServer>[0]);
  let accepted: Socket | undefined;
  server.on('session', (session) => {
    new H2Connection(session, state, listener, isTls, accepted === undefined ? '' : peerAddress(accepted));
  });
  server.on('sessionError', () => undefined);
  return {
    accept: (socket) => {
      accepted = socket;
      server.emit('connection', socket);
      accepted = undefined;
    },
  };
}
