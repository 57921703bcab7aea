// Theme, rail, reading face and size: applied at once, remembered in the cookies the server
// renders from. Without scripts the same forms post to /preferences.
const root = document.documentElement;

document.addEventListener('submit', event => {
  const form = event.target, button = event.submitter;
  if (!form.matches('[data-pref]') || !button?.name) return;
  event.preventDefault();
  let value = button.value;
  if (button.dataset.toggle) {
    const [a, b] = button.dataset.toggle.split(' ');
    const narrow = root.dataset.rail === b || (root.dataset.rail !== a && matchMedia('(max-width: 1100px)').matches);
    value = narrow ? a : b;
  }
  root.dataset[button.name] = value;
  document.cookie = `${button.name}=${value}; path=/; max-age=31536000; samesite=lax`;
  for (const other of form.querySelectorAll('[aria-pressed]')) other.setAttribute('aria-pressed', other === button);
});

// A menu closes when one looks elsewhere.
document.addEventListener('click', event => {
  for (const menu of document.querySelectorAll('.menu[open]')) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener('keydown', event => {
  if (event.key !== 'Escape') return;
  for (const menu of document.querySelectorAll('.menu[open]')) {
    menu.open = false;
    menu.querySelector('summary').focus();
  }
});
