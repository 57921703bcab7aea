// Rows of marks by keyboard: in a row of marks a digit gives that mark (0 is ten) and goes on
// to the next row without one. With the focus on no field (while reading), it is the first row
// without a mark.
import { composing } from './words.js';

document.addEventListener('keydown', event => {
  if (composing(event) || event.ctrlKey || event.metaKey || event.altKey || !/^[0-9]$/.test(event.key)) return;
  const empty = rows => rows.find(r => !r.querySelector(':checked'));
  const writing = event.target.closest?.('input, select, textarea');
  const row = event.target.closest?.('.marks') ?? (writing ? null : empty([...document.querySelectorAll('.marks')]));
  if (!row) return;
  const mark = row.querySelector(`input[value="${event.key === '0' ? '10' : event.key}"]`);
  if (!mark) return;
  event.preventDefault();
  mark.click();
  const rows = [...row.closest('form').querySelectorAll('.marks')];
  const next = empty(rows.slice(rows.indexOf(row) + 1));
  (next?.querySelector('input') ?? mark).focus();
});
