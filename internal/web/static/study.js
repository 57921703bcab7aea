// The plan of a study: what it comes to is asked for anew while the form changes (form[data-plan], into
// its part data-outlook); another set or kind (data-redraw) offers other fields, so the whole page is.
const form = document.querySelector('form[data-plan]');
if (form) {
  const part = document.querySelector('[data-outlook]');
  const preview = form.querySelector('button[formaction]');
  let timer, asked;

  async function ask() {
    asked?.abort();
    asked = new AbortController();
    const body = new URLSearchParams(new FormData(form));
    body.set('part', '1');
    part.setAttribute('aria-busy', 'true');
    try {
      const answer = await fetch(preview.formAction, { method: 'POST', body, signal: asked.signal });
      if (answer.ok) part.innerHTML = await answer.text();
      part.removeAttribute('aria-busy');
    } catch { /* another question is under way, or the connection line says so */ }
  }

  form.addEventListener('input', event => {
    if (event.target.matches('[data-redraw]') || event.target.id === 'name') return;
    clearTimeout(timer);
    timer = setTimeout(ask, 500);
  });
  form.addEventListener('change', event => {
    if (event.target.matches('[data-redraw]')) form.requestSubmit(preview);
  });
}
