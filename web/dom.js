// The few things that all parts of the page do with the document. What comes
// from the router gets into it as text only.

/** The element with an id, which is in index.html. */
export const byId = (id) => document.getElementById(id);

/** A new element: attributes by name, children are elements or text. */
export function element(tag, attributes = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  e.append(...children);
  return e;
}

/** Sets text only where it changes: a live region speaks at each change. */
export function setText(e, text) {
  if (e.textContent !== text) e.textContent = text;
}

// This file is one of the assets, which are one level below the root of a server.
const root = new URL('..', import.meta.url);

/** The address of a resource of the router, wherever a proxy has put the page. */
export const resource = (path) => new URL(path, root);

let announced = 0;
let pending;

/** Says something to those who do not see the page; of many the last, every 5 s. */
export function announce(text) {
  clearTimeout(pending);
  pending = setTimeout(() => {
    announced = Date.now();
    setText(byId('announcements'), text);
  }, Math.max(0, announced + 5000 - Date.now()));
}
