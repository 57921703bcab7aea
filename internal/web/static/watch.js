// A part of a page that shows work going on (data-watch, with an id) is fetched anew every few seconds
// while somebody looks, until it says no more that it watches. What has the focus is left alone.
const every = 4000;

async function look() {
  const part = document.querySelector('[data-watch]');
  if (!part) return;
  if (!document.hidden && !part.contains(document.activeElement)) {
    try {
      const answer = await fetch(location.href, { headers: { Accept: 'text/html' } });
      const fresh = answer.ok && new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById(part.id);
      if (fresh) part.replaceWith(fresh);
    } catch { /* the connection line says so */ }
  }
  setTimeout(look, every);
}
setTimeout(look, every);
