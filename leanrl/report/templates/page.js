// The controls of the figures, what a reload keeps, and the look for a newer page while a run goes on.
const MEMORY = `leanrl ${location.pathname}`;

function recall() {
  try {
    return JSON.parse(sessionStorage.getItem(MEMORY)) ?? {};
  } catch {
    return {}; // a page from a file may have no storage
  }
}

const kept = recall();

function remember() {
  Object.assign(kept, { view });
  try {
    sessionStorage.setItem(MEMORY, JSON.stringify(kept));
  } catch {
    // nothing is kept then
  }
}

function element(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in node && typeof value !== 'string') node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

function control(label, node) {
  return element('label', {}, element('span', {}, label), node);
}

function scaleControl() {
  const known = (scale) => points.runs.every((run) => run[scale].some((value) => value > 0));
  const options = Object.entries(SCALES).filter(([scale]) => known(scale));
  const select = element('select', { id: 'scale' }, ...options.map(([scale, name]) => element('option', { value: scale }, name)));
  if (options.every(([scale]) => scale !== view.x)) view.x = 'step';
  select.value = view.x;
  select.addEventListener('change', () => { view.x = select.value; zoom(null); });
  return control('Horizontal axis', select);
}

function smoothingControl() {
  const most = Math.max(1, ...points.runs.map((run) => run.step.length));
  const range = element('input', { type: 'range', id: 'smoothing', min: '1', max: String(Math.max(1, Math.ceil(most / 3)) | 1), step: '2' });
  const shown = element('output', { for: 'smoothing' });
  const say = () => { shown.textContent = view.window === 1 ? 'none' : `mean of ${view.window} steps`; };
  range.value = view.window;
  range.addEventListener('input', () => { view.window = +range.value; say(); drawAll(); remember(); });
  say();
  const label = control('Smoothing', range);
  label.append(shown);
  return label;
}

function logControl() {
  const box = element('input', { type: 'checkbox', id: 'logarithmic', checked: view.log });
  box.addEventListener('change', () => { view.log = box.checked; drawAll(); remember(); });
  return control('Logarithmic', box);
}

function resetControl() {
  const button = element('button', { type: 'button', 'data-reset': '', hidden: view.range === null }, 'Show all steps');
  button.addEventListener('click', () => zoom(null));
  return button;
}

function addControls() {
  const holder = document.getElementById('controls');
  if (holder === null || charts.length === 0) return;
  Object.assign(view, kept.view ?? {});
  const note = element('p', { class: 'hint' }, 'Point at a figure for its values, drag to zoom, double-click to see all. With the keyboard: arrow keys and Escape.');
  holder.append(scaleControl(), smoothingControl(), logControl(), resetControl(), note);
  drawAll();
}

function lookForNewer(seconds) {
  let first = null;
  setInterval(async () => {
    try {
      const answer = await fetch(location.href, { method: 'HEAD', cache: 'no-store' });
      const tag = answer.headers.get('ETag');
      first ??= tag;
      if (answer.ok && tag !== first) location.reload();
    } catch {
      // the server has ended: the page stays as it is
    }
  }, 1000 * seconds);
}

addControls();
addBrowser();
if (document.documentElement.dataset.live) lookForNewer(+document.documentElement.dataset.live);
