// What the page was rendered from.
const scene = JSON.parse(document.getElementById('spillway').textContent);

// Elements say by data-live what they show, and by data-in in which states they are there.
const each = (name, act) => document.querySelectorAll('[data-live~="' + name + '"]').forEach(act);
const show = (name, visible) => each(name, element => { element.hidden = !visible; });
const write = (name, text) => each(name, element => {
  if (element.textContent !== text) element.textContent = text;
});
const grouped = number => number.toLocaleString('en');
const filled = (phrase, a, b, c) => phrase.replace('{a}', a).replace('{b}', b).replace('{c}', c);

// Leaves for a page: without sending a form again, and past what the browser has kept.
const go = path => {
  if (scene.safe && path === location.pathname + location.search) location.reload();
  else location.replace(path);
};

show('check', false);
