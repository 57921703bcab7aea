// Texts of the page's language; the server puts them into the document (locales/*/js.json).
const words = JSON.parse(document.getElementById('words')?.textContent || '{}');

/** word returns the text of a key with {name} filled from args. */
export function word(key, args = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (all, name) => args[name] ?? all);
}

/** count returns the length of a text in Unicode code points, as the server counts. */
export function count(text) {
  let n = 0;
  for (const _ of text) n++;
  return n;
}

/** composing tells whether a key event belongs to an input method. */
export const composing = event => event.isComposing || event.keyCode === 229;
