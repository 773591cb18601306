// Streams that come only as far as they are asked for, so that not asking is not
// reading. WebSocketStream holds back so, after some 150 KB in the browser. Browsers
// that lack it get the SSE stream by fetch, whose body some take in unasked.

import { asMessage, parseSSE, requestSSE } from './sse.js';
import { address, protocols } from './websocket.js';

/** Opens a stream of all events. messages is an iterator of lists of messages. */
export async function pull(since, token) {
  const query = `since=${encodeURIComponent(since)}`;
  if ('WebSocketStream' in globalThis) {
    const socket = new WebSocketStream(address(query), { protocols: protocols(token) });
    socket.closed.catch(() => {}); // the end of its messages says it too
    const opened = await socket.opened.catch(() => undefined);
    if (opened) return { messages: fromWebSocket(opened.readable), close: () => socket.close() };
  }
  const abort = new AbortController();
  return { messages: fromSSE(await requestSSE(query, token, abort.signal)), close: () => abort.abort() };
}

async function* fromWebSocket(readable) {
  const reader = readable.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield [JSON.parse(value)];
  }
}

async function* fromSSE(body) {
  for await (const blocks of parseSSE(body)) yield blocks.map(asMessage).filter((message) => message);
}
