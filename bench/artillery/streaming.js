// The steps of streaming.yml that artillery has no words for: they read every
// message of a connection, and fail the virtual user if one is not as it should
// be. Counted are adic.events, and adic.lagged, the messages that told of losses.

const REPLY_TIMEOUT_MS = 30_000;

// The clients by their WebSocket: the types that the router last said it sends,
// the reply that is awaited, and what went wrong.
const clients = new WeakMap();

/** Reads the messages of the connection from now on. */
function follow(context, ee, next) {
  const client = { types: null, replies: [], wake: () => {}, failure: null };
  clients.set(context.ws, client);

  const fail = (why) => {
    client.failure ??= new Error(why);
    client.wake();
  };
  context.ws.on('close', (code) => fail(`closed by the router with ${code}`));
  context.ws.on('message', (data) => {
    const message = JSON.parse(data);
    switch (message.type) {
      case 'Event': {
        const { type } = message.event;
        ee.emit('counter', 'adic.events', 1);
        if (client.types && !client.types.has('all') && !client.types.has(type)) fail(`received ${type} against the filter`);
        break;
      }
      case 'Lagged':
        ee.emit('counter', 'adic.lagged', 1);
        break;
      case 'Error':
        fail(`told of an error: ${message.message}`);
        break;
      default:
        if (message.events) client.types = new Set(message.events);
        client.replies.push(message.type);
        client.wake();
    }
  });
  next();
}

/** Waits for a reply, and returns the types that are in force after it. */
async function reply(context, type) {
  const client = clients.get(context.ws);
  const timeout = setTimeout(() => {
    client.failure ??= new Error(`no ${type} in time`);
    client.wake();
  }, REPLY_TIMEOUT_MS);
  try {
    while (!client.failure && !client.replies.includes(type)) {
      await new Promise((resolve) => { client.wake = resolve; });
    }
  } finally {
    clearTimeout(timeout);
  }
  if (client.failure) throw client.failure;
  client.replies = [];
  return client.types;
}

async function subscribed(context) {
  const types = await reply(context, 'Subscribed');
  if (!types.has('MessageAdded') || !types.has('EconomicsUpdated')) throw new Error('not subscribed to what was asked for');
}

async function unsubscribed(context) {
  const types = await reply(context, 'Unsubscribed');
  if (types.has('MessageAdded') || !types.has('EconomicsUpdated')) throw new Error('unsubscribed from another type');
}

async function ponged(context) {
  await reply(context, 'Pong');
}

module.exports = { follow, subscribed, unsubscribed, ponged };
