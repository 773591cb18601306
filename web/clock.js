// Times as people read them.

/** Local time; toLocaleTimeString costs more than all the rest of a row. */
export function clock(ms) {
  const d = new Date(ms);
  return [d.getHours(), d.getMinutes(), d.getSeconds()].map((n) => String(n).padStart(2, '0')).join(':');
}
