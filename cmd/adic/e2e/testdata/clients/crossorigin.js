// Asks a router of another origin for everything that a page can ask for, and
// says what it got: "answered", "refused" or the like, by what was tried.
function follow({ http, ws, token }, emit) {
  const tried = (what, got) => emit({ type: 'Tried', text: `${what}: ${got}` });

  const socket = new WebSocket(`${ws}/v1/ws/events`);
  socket.onmessage = () => tried('WebSocket', 'answered');
  socket.onclose = ({ code }) => tried('WebSocket', `closed ${code}`);

  const source = new EventSource(`${http}/v1/sse/events`);
  source.onopen = () => tried('EventSource', 'answered');
  source.onerror = () => tried('EventSource', source.readyState === 2 ? 'refused' : 'reconnecting');

  fetch(`${http}/v1/events?since=earliest`).then(
    async (response) => tried('polling', `${response.status} ${'cursor' in await response.json()}`),
    () => tried('polling', 'refused'));

  // The headers make the browser ask first, with a preflight.
  fetch(`${http}/v1/events`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: '[]',
  }).then(
    async (response) => tried('publishing', `${response.status} ${await response.text()}`),
    () => tried('publishing', 'refused'));
}
