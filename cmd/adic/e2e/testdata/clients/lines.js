// Emits the lines that a page of examples/ shows, as they come.
function follow(_, emit) {
  const lines = document.querySelector('#lines');
  const told = new WeakSet();
  const tell = () => {
    for (const line of lines.children) {
      if (!told.has(line)) emit({ type: 'Line', text: line.textContent });
      told.add(line);
    }
  };
  new MutationObserver(tell).observe(lines, { childList: true });
  tell();
}
