// toast(text, undo) says what was done and offers to undo it; it goes after ten seconds,
// but not while the pointer or the focus is on it.
import { word } from './words.js';

export function toast(text, undo) {
  const box = document.createElement('div');
  box.className = 'toast';
  box.append(text);
  const close = () => box.remove();
  if (undo) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = word('undo');
    button.onclick = () => { undo(); close(); };
    box.append(button);
  }
  let timer = setTimeout(close, 10_000);
  for (const hold of ['pointerenter', 'focusin']) box.addEventListener(hold, () => clearTimeout(timer));
  for (const leave of ['pointerleave', 'focusout']) box.addEventListener(leave, () => { timer = setTimeout(close, 4_000); });
  document.getElementById('toasts')?.append(box);
}

// A [data-copy] button copies the text of the element it names.
document.addEventListener('click', async event => {
  const button = event.target.closest('[data-copy]');
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
  toast(word('copied'));
});
