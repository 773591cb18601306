// An application that follows a router over WebSocket and resumes where it was
// when its connection is lost. For a browser, and for Node.js through node.js.
function follow({ url }, emit) {
  const target = new URL(url);

  function connect() {
    const socket = new WebSocket(target.href);
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.id) target.searchParams.set('since', message.id);
      emit(message);
    };
    socket.onerror = () => {}; // onclose follows
    socket.onclose = ({ code }) => {
      emit({ type: 'Closed', code });
      setTimeout(connect, 200);
    };
  }
  connect();
}
