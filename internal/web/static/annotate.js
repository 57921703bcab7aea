// The workspace of a triplet: three steps of one form, keys, pasted characters, findings
// that follow the stored text. The form itself is kept safe by autosave.js.
import { composing, count } from './words.js';

const form = document.getElementById('draft');

// Ctrl+Enter outside of any form presses the page's button for it; inside, shortcuts.js does.
document.addEventListener('keydown', event => {
  if (composing(event) || event.defaultPrevented || event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
  if (event.target.closest?.('form')) return;
  document.querySelector('[data-ctrl-enter]:not(:disabled)')?.click();
});

function show(step, { focus = false, store = true } = {}) {
  for (const part of document.querySelectorAll('.part[data-step]')) part.classList.toggle('on', part.dataset.step === step);
  mark(step);
  const field = form.elements.step;
  if (field.value !== step) {
    field.value = step;
    if (store) field.dispatchEvent(new Event('change', { bubbles: true }));
  }
  const here = new URL(location.href);
  here.searchParams.set('step', step);
  here.hash = '';
  history.replaceState(history.state, '', here);
  if (focus) {
    const pane = form.closest('.pane');
    pane.scrollTop = 0;
    document.getElementById('step-' + step).querySelector('textarea, input:not([type=hidden])')?.focus({ preventScroll: true });
  }
}

// mark says in the step bar which step is open, and which key leads to each.
function mark(step) {
  document.querySelectorAll('#step-bar a').forEach((link, i) => {
    if (String(i + 1) === step) link.setAttribute('aria-current', 'step');
    else link.removeAttribute('aria-current');
    link.dataset.key = `Alt+${i + 1}`;
  });
}

// reveal opens the step in which the target of a link stands and goes there.
function reveal(target) {
  const part = target.closest('.part[data-step]');
  if (part && form.contains(part)) show(part.dataset.step);
  if (target === part) return show(part.dataset.step, { focus: true });
  target.scrollIntoView({ block: 'center' });
  target.focus({ preventScroll: true });
}

let timer, asked;
async function refresh() {
  asked?.abort();
  asked = new AbortController();
  const address = new URL(form.action.replace(/\/save$/, '/findings'));
  address.searchParams.set('step', form.elements.step.value);
  let html;
  try {
    const reply = await fetch(address, { signal: asked.signal, redirect: 'error' });
    if (!reply.ok) return;
    html = await reply.text();
  } catch { return; } // the next save asks again
  const fresh = new DOMParser().parseFromString(html, 'text/html');
  for (const part of fresh.querySelectorAll('[data-part]')) {
    const old = document.getElementById(part.id);
    if (!old || old.innerHTML === part.innerHTML) continue;
    const at = old.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
    old.replaceChildren(...part.childNodes);
    if (at) old.querySelector(`a[href="${CSS.escape(at)}"]`)?.focus({ preventScroll: true });
  }
  mark(form.elements.step.value);
}

if (form) {
  const wanted = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  show(form.elements.step.value, { store: false });
  if (wanted && form.contains(wanted)) reveal(wanted);
  form.addEventListener('restored', () => show(form.elements.step.value, { store: false }));

  document.addEventListener('click', event => {
    const link = event.target.closest?.('#draft-pane a[href^="#"]');
    const target = link && document.getElementById(link.getAttribute('href').slice(1));
    if (!target) return;
    event.preventDefault();
    reveal(target);
  });

  document.addEventListener('keydown', event => {
    if (composing(event) || !event.altKey || event.ctrlKey || event.metaKey) return;
    const step = /^Digit([123])$/.exec(event.code)?.[1];
    if (!step) return;
    event.preventDefault();
    show(step, { focus: true });
  });

  // What is pasted into the two texts is counted, not forbidden; the input event that follows
  // a paste has it saved.
  form.addEventListener('paste', event => {
    if (!['prompt', 'reasoning'].includes(event.target.name)) return;
    const pasted = form.elements.pasted;
    pasted.value = +pasted.value + count(event.clipboardData?.getData('text') ?? '');
  });

  document.addEventListener('saved', () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, 500);
  });
}
