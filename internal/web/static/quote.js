// [data-quotes="<id of a textarea>"]: words selected in a reading text are quoted into that field
// with q, with the part and paragraph they come from, so that a comment says what it is about.
import { composing } from './words.js';

document.addEventListener('keydown', event => {
  if (event.key !== 'q' || composing(event) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.('input:not([type=radio], [type=checkbox]), textarea, select')) return;
  const field = document.getElementById(document.querySelector('[data-quotes]')?.dataset.quotes ?? '');
  const chosen = getSelection();
  const words = String(chosen).trim().replace(/\s+/g, ' ');
  const start = chosen.anchorNode?.nodeType === Node.TEXT_NODE ? chosen.anchorNode.parentElement : chosen.anchorNode;
  const paragraph = start?.closest?.('.reading p, .reading span, .reading ins');
  if (!field || !words || !paragraph) return;
  event.preventDefault();
  const heading = paragraph.closest('section, .pane')?.querySelector('h1, h2')?.firstChild?.textContent.trim() ?? '';
  const place = [heading, paragraph.dataset.n ? `¶${paragraph.dataset.n}` : ''].filter(Boolean).join(' ');
  const short = [...words].length > 60 ? [...words].slice(0, 60).join('') + '…' : words;
  field.value += `${field.value && !field.value.endsWith('\n') ? '\n' : ''}「${short}」（${place}）\n`;
  field.dispatchEvent(new Event('input', { bubbles: true }));
  field.focus();
});
