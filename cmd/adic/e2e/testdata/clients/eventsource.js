// An application that follows a router with EventSource, which reconnects and
// resumes by itself. For a browser, and for Node.js through node.js. types are
// the events it listens for.
function follow({ url, types }, emit) {
  const source = new EventSource(url);
  source.onopen = () => emit({ type: 'Open' });
  source.onerror = () => emit({ type: 'Closed', final: source.readyState === 2 });
  source.onmessage = ({ data }) => emit({ type: 'Unnamed', text: data });
  for (const type of types) {
    source.addEventListener(type, (e) => emit({ type: 'Event', id: e.lastEventId, event: JSON.parse(e.data) }));
  }
  source.addEventListener('Lagged', (e) => emit(JSON.parse(e.data)));
}
