// <local-draft key restored="…"> keeps what is typed into its form in this browser until it is
// sent, so that a lost session or a closed tab loses nothing. What the server sent back wins.
import { toast } from './toast.js';

const prefix = 'draft:', month = 30 * 24 * 3600 * 1000;

class LocalDraft extends HTMLElement {
  connectedCallback() {
    const form = this.querySelector('form'), key = prefix + this.getAttribute('key');
    const fields = () => [...form.elements].filter(e => e.name && e.type !== 'hidden');
    const filled = fields().some(e => e.type === 'radio' || e.type === 'checkbox' ? e.checked : e.value && e.tagName !== 'SELECT');
    const kept = read(key);
    if (kept && !filled) {
      for (const e of fields()) {
        if (!(e.name in kept.values)) continue;
        if (e.type === 'radio') e.checked = e.value === kept.values[e.name];
        else if (e.type === 'checkbox') e.checked = Boolean(kept.values[e.name]);
        else e.value = kept.values[e.name];
      }
      form.dispatchEvent(new Event('change', { bubbles: true }));
      toast(this.getAttribute('restored'));
    }
    const keep = () => {
      const values = {};
      for (const e of fields()) {
        if (e.type === 'radio') { if (e.checked) values[e.name] = e.value; } else values[e.name] = e.type === 'checkbox' ? e.checked : e.value;
      }
      try { localStorage.setItem(key, JSON.stringify({ at: Date.now(), values })); } catch { /* full or forbidden: the form works all the same */ }
    };
    form.addEventListener('input', keep);
    form.addEventListener('change', keep);
  }
}

function read(key) {
  try { return JSON.parse(localStorage.getItem(key)); } catch { return null; }
}

// Drafts that nobody came back to go after a month.
try {
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith(prefix) && Date.now() - (read(key)?.at ?? 0) > month) localStorage.removeItem(key);
  }
} catch { /* no storage here */ }

customElements.define('local-draft', LocalDraft);
