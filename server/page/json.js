// JSON as it came, indented. It is not parsed, so that numbers keep every digit.

import { element } from './dom.js';

const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** Fills an element with the text of a JSON value, each part in a span of its kind. */
export function showJSON(into, text) {
  const parts = [];
  let depth = 0;
  const newline = () => parts.push('\n' + '  '.repeat(depth));
  const found = text.match(tokens) ?? [];
  found.forEach((token, i) => {
    switch (token) {
      case '{': case '[':
        parts.push(token);
        depth++;
        if (!'}]'.includes(found[i + 1])) newline();
        break;
      case '}': case ']':
        depth--;
        if (!'{['.includes(found[i - 1])) newline();
        parts.push(token);
        break;
      case ',':
        parts.push(token);
        newline();
        break;
      case ':':
        parts.push(': ');
        break;
      default:
        parts.push(element('span', { class: kind(token, found[i + 1]) }, token));
    }
  });
  into.replaceChildren(...parts);
}

function kind(token, next) {
  if (next === ':') return 'key';
  return token.startsWith('"') ? 'string' : 'number';
}
