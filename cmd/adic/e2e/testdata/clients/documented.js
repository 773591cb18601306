// The client that the documents of the system show: it takes messages of type
// "Event" and reads the fields of the event flat.
function follow({ url }, emit) {
  const ws = new WebSocket(url);

  ws.onopen = () => console.log('connected to the event stream');

  ws.onmessage = (raw) => {
    const message = JSON.parse(raw.data);
    if (message.type === 'Event') {
      handleEvent(message.event);
    } else if (message.type === 'Subscribed') {
      emit({ type: 'Open', events: message.events });
    }
  };

  function handleEvent(event) {
    switch (event.type) {
      case 'TipsUpdated':
        show(`${event.timestamp} ${event.count} tips: ${event.tips.join(' ')}`);
        break;
      case 'MessageFinalized':
        show(`${event.timestamp} ${event.message_id} is final by ${event.finality_type}`);
        break;
      case 'DiversityUpdated':
        show(`${event.timestamp} diversity ${event.diversity_score} over ${event.axes.length} axes`);
        break;
      default:
        show(`${event.timestamp} ${event.type}`);
    }
  }

  function show(text) {
    emit({ type: 'Shown', text });
  }
}
