// Follows the events of an ADIC node, and resumes where it was. Prints one event
// a line, and a line "gap ..." where the node has dropped some.
//
//   npm install && node client.js http://127.0.0.1:9121 [EVENTS]
const WebSocket = require('ws');

const [node = 'http://127.0.0.1:9121', events = 'all'] = process.argv.slice(2);
const url = new URL('/v1/ws/events', node.replace(/^http/, 'ws'));
url.searchParams.set('events', events);
url.searchParams.set('ids', 'true');

let attempts = 0; // in vain, since something last came

function connect() {
  const socket = new WebSocket(url.href, { handshakeTimeout: 10_000 });
  // The node pings every 30 s: a link that was quiet for longer is dead.
  let silence;
  const alive = () => {
    clearTimeout(silence);
    silence = setTimeout(() => socket.terminate(), 75_000);
  };
  socket.on('open', alive);
  socket.on('ping', alive);
  socket.on('message', (data) => {
    alive();
    attempts = 0;
    const message = JSON.parse(data);
    if (message.type === 'Event') {
      console.log(JSON.stringify(message.event));
      url.searchParams.set('since', message.id); // only after the event is dealt with
    } else if (message.type === 'Lagged') {
      console.log('gap', JSON.stringify(message.dropped));
    }
  });
  socket.on('error', (error) => console.error(error.message)); // close follows
  socket.on('close', () => {
    clearTimeout(silence);
    // From 1 s to 60 s, and at random, lest all clients come at once.
    const wait = Math.min(60_000, 1000 * 2 ** attempts++);
    setTimeout(connect, wait * (0.5 + Math.random() / 2));
  });
}
connect();
