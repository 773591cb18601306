// The stream with the filter of the page, as code to take along.

import { resource } from './dom.js';

/** Code by name, for a filter and a transport. needsToken is whether to show where one goes. */
export function snippets(filter, transport, needsToken) {
  return {
    curl: curl(filter, needsToken),
    JavaScript: transport === 'sse' ? eventSource(filter, needsToken) : webSocket(filter, needsToken),
  };
}

function address(path, ...query) {
  const url = resource(path);
  const text = query.filter((part) => part !== '').join('&');
  return url.href + (text && '?' + text);
}

function curl(filter, needsToken) {
  const header = needsToken ? `  -H "Authorization: Bearer $TOKEN" \\\n` : '';
  return `curl -N ${header && '\\\n' + header + '  '}'${address('v1/sse/events', filter.query())}'`;
}

function webSocket(filter, needsToken) {
  const url = address('v1/ws/events', filter.query(), 'ids=true').replace(/^http/, 'ws');
  const protocols = needsToken ? `,\n    ["adic.v1", "adic.token." + token]` : '';
  return `let cursor = "";

function connect() {
  const socket = new WebSocket("${url}" + cursor${protocols});
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === "Event") {
      console.log(message.event);
      cursor = "&since=" + message.id;
    }
    if (message.type === "Lagged") console.log("lost", message.dropped);
  };
  socket.onclose = () => setTimeout(connect, 1000 + 4000 * Math.random());
}
connect();`;
}

// An EventSource hears only of the types it names.
function eventSource(filter, needsToken) {
  const url = address('v1/sse/events', filter.query());
  const token = needsToken ? ` + "${filter.query() ? '&' : '?'}token=" + token` : '';
  const types = filter.all
    ? `const { types } = await (await fetch("${address('v1/events/types')}")).json();
const names = types.map((type) => type.name);`
    : `const names = ${JSON.stringify(filter.types)};`;
  return `${types}
const source = new EventSource("${url}"${token}); // resumes by itself
for (const name of names) {
  source.addEventListener(name, ({ data }) => console.log(JSON.parse(data)));
}
source.addEventListener("Lagged", ({ data }) => console.log("lost", JSON.parse(data).dropped));`;
}
