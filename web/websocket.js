// The WebSocket transport.

import { resource } from './dom.js';

const pingInterval = 20_000;
const patience = 10_000; // for a Pong, and for a connection to open

/** Where the stream is; its events come with their cursors. */
export function address(query) {
  const url = resource(`v1/ws/events?ids=true&${query}`);
  url.protocol = url.protocol.replace('http', 'ws');
  return url.href;
}

/** How a browser can send a token without having it in logs. */
export const protocols = (token) => (token ? ['adic.v1', 'adic.token.' + token] : []);

/**
 * Opens a stream. handlers are opened(), message(m) for each message of the
 * protocol (an Event has its event as it came in raw), roundTrip(ms), sent(m), and closed({ opened, code, reason }), the last
 * call there is. Returns send and close.
 */
export function openWebSocket(query, token, handlers) {
  const socket = new WebSocket(address(query), protocols(token));
  let opened = false;
  let pinged = 0;
  let overdue = setTimeout(() => end(1006, 'no answer'), patience);
  let ended = false;

  const end = (code, reason) => {
    if (ended) return;
    ended = true;
    clearTimeout(overdue);
    clearInterval(pings);
    socket.close();
    handlers.closed({ opened, code, reason });
  };
  // What the network has lost a browser does not notice by itself.
  const ping = () => {
    if (socket.readyState !== WebSocket.OPEN) return;
    pinged = performance.now();
    socket.send('{"type":"Ping"}');
    clearTimeout(overdue);
    overdue = setTimeout(() => end(1006, 'no Pong'), patience);
  };
  const pings = setInterval(ping, pingInterval);

  socket.onopen = () => {
    opened = true;
    clearTimeout(overdue);
    handlers.opened();
    setTimeout(ping, 1000); // what was missed comes first
  };
  socket.onmessage = ({ data }) => {
    if (ended) return;
    const message = JSON.parse(data);
    if (message.type === 'Event') message.raw = data.slice(data.indexOf('"event":') + 8, -1);
    if (message.type !== 'Pong') {
      handlers.message(message);
      return;
    }
    clearTimeout(overdue);
    handlers.roundTrip(performance.now() - pinged);
  };
  socket.onclose = ({ code, reason }) => end(code, reason);

  return {
    send(message) {
      socket.send(JSON.stringify(message));
      handlers.sent(message);
    },
    close: () => end(1000, 'closed here'),
  };
}
