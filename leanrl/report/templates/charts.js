// The figures drawn anew from the values of the page, so that they zoom, smooth and answer the pointer and the keys.
const FIELD = { width: 340, height: 212, left: 52, right: 332, top: 18, bottom: 174 };
const ROUND = [1, 2, 2.5, 5, 10];
const GIB = 2 ** 30;
const SVG = 'http://www.w3.org/2000/svg';
const SCALES = { step: 'step', seconds: 'time', tokens: 'tokens' };

function readPoints() {
  const holder = document.getElementById('points');
  return holder === null ? null : JSON.parse(holder.textContent);
}

const points = readPoints();
const view = { x: 'step', window: points === null ? 1 : points.window, log: false, range: null };

function shape(name, attributes, words) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (words !== undefined) node.textContent = words;
  return node;
}

function short(value) {
  const size = Math.abs(value);
  if (size >= 1e9) return `${+(value / 1e9).toPrecision(4)}G`;
  if (size >= 1e6) return `${+(value / 1e6).toPrecision(4)}M`;
  if (size >= 1e4) return Math.round(value).toLocaleString('en');
  return `${+value.toPrecision(4)}`.replace('e-0', 'e-');
}

function worded(value, unit) {
  if (value === null || value === undefined) return '–';
  let words = short(value);
  if (unit === 'share') words = `${+(100 * value).toPrecision(4)}%`;
  else if (unit === 'bytes') words = `${+(value / GIB).toPrecision(4)} GiB`;
  else if (unit === 'seconds') words = `${words} s`;
  return words.replace('-', '−').replace('e−', 'e-');
}

function span(seconds) {
  if (seconds < 60) return `${+seconds.toPrecision(3)} s`;
  const minutes = Math.floor(seconds / 60);
  const two = (number) => String(number).padStart(2, '0');
  return minutes < 60 ? `${minutes}m${two(Math.round(seconds % 60))}s` : `${Math.floor(minutes / 60)}h${two(minutes % 60)}m`;
}

function placeText(x) {
  return view.x === 'seconds' ? span(x) : short(x);
}

function roundStep(least) {
  const power = least > 0 ? 10 ** Math.floor(Math.log10(least)) : 1;
  return power * ROUND.find((factor) => factor * power >= least * (1 - 1e-9));
}

function ticksBetween(low, high, most) {
  const step = roundStep((high - low || Math.abs(high) || 1) / most);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(Math.ceil(high / step - 1e-9), first + 1);
  return Array.from({ length: last - first + 1 }, (_, place) => +((first + place) * step).toPrecision(12));
}

// The rule of value_axis in figures/axis.py, and powers of ten on a logarithmic axis.
function valueTicks(values, unit) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  if (view.log) {
    const first = Math.floor(Math.log10(low));
    const last = Math.max(Math.ceil(Math.log10(high)), first + 1);
    return Array.from({ length: last - first + 1 }, (_, place) => 10 ** (first + place));
  }
  if (unit === 'share' && low >= 0 && high <= 1 && view.range === null) return [0, 0.2, 0.4, 0.6, 0.8, 1];
  const scale = unit === 'bytes' ? GIB : 1;
  return ticksBetween(Math.min(0, low) / scale, high / scale, 4).map((tick) => tick * scale);
}

function xTicks(low, high) {
  if (view.x === 'seconds') {
    const least = (high - low || 1) / 5;
    const step = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 43200, 86400].find((s) => s >= least) ?? 172800;
    const first = Math.ceil(low / step);
    return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, place) => (first + place) * step);
  }
  return ticksBetween(low, high, 5).filter((tick) => tick >= low && tick <= high && Number.isInteger(tick));
}

function smoothed(values, window) {
  const half = Math.floor(window / 2);
  return values.map((_, place) => {
    const near = values.slice(Math.max(0, place - half), place + half + 1);
    return near.reduce((sum, value) => sum + value, 0) / near.length;
  });
}

// The points of a line that have both a place and a value; `strong` is the smoothed value.
function pointsOf(line) {
  const run = points.runs[line.run];
  const steps = line.steps ?? run.step;
  const placeOf = new Map(run.step.map((step, place) => [step, run[view.x][place]]));
  const found = [];
  line.values.forEach((value, place) => {
    const x = placeOf.has(steps[place]) ? placeOf.get(steps[place]) : view.x === 'step' ? steps[place] : null;
    if (value !== null && x !== null && x !== undefined && !(view.log && value <= 0)) found.push({ step: steps[place], x, value });
  });
  smoothed(found.map((point) => point.value), view.window).forEach((value, place) => { found[place].strong = value; });
  return found;
}

function inRange(point) {
  return view.range === null || (point.x >= view.range[0] && point.x <= view.range[1]);
}

function pathOf(places) {
  return places.map(([x, y], place) => `${place ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
}

class Chart {
  constructor(figure, curve) {
    this.figure = figure;
    this.curve = curve;
    this.svg = figure.querySelector('svg');
    this.svg.setAttribute('tabindex', '0');
    this.tip = document.createElement('div');
    this.tip.className = 'tip';
    this.tip.hidden = true;
    this.tip.setAttribute('role', 'status');
    figure.append(this.tip);
    this.at = null;
    this.listen();
  }

  draw() {
    const { curve, svg } = this;
    this.lines = curve.lines.map((line) => ({ ...line, points: pointsOf(line).filter(inRange) }));
    const shown = this.lines.flatMap((line) => line.points);
    svg.replaceChildren();
    this.hide();
    if (shown.length === 0) {
      svg.append(shape('text', { x: FIELD.width / 2, y: FIELD.height / 2, 'text-anchor': 'middle' }, 'no value here'));
      return;
    }
    const places = shown.map((point) => point.x);
    const [low, high] = view.range ?? [Math.min(...places), Math.max(...places)];
    const ticks = valueTicks(shown.map((point) => point.value), curve.unit);
    this.across = (x) => FIELD.left + (FIELD.right - FIELD.left) * (high > low ? (x - low) / (high - low) : 0.5);
    this.back = (px) => low + ((high - low) * (px - FIELD.left)) / (FIELD.right - FIELD.left);
    const scale = view.log ? Math.log10 : (value) => value;
    const [bottom, top] = [scale(ticks[0]), scale(ticks[ticks.length - 1])];
    this.down = (value) => FIELD.bottom - ((FIELD.bottom - FIELD.top) * (scale(value) - bottom)) / (top - bottom);
    this.drawFrame(ticks, xTicks(low, high));
    for (const line of this.lines) this.drawLine(line);
    this.drawMarks(ticks, low, high);
    this.cursor = shape('path', { class: 'cursor' });
    this.zoomed = shape('rect', { class: 'zoomed', y: FIELD.top, height: FIELD.bottom - FIELD.top, width: 0 });
    svg.append(this.cursor, this.zoomed);
  }

  drawFrame(ticks, columns) {
    const grid = shape('g', { class: 'grid' });
    for (const tick of ticks) {
      const y = this.down(tick);
      grid.append(
        shape('path', { d: `M${FIELD.left} ${y.toFixed(1)}H${FIELD.right}` }),
        shape('text', { x: FIELD.left - 6, y: (y + 4).toFixed(1), 'text-anchor': 'end' }, worded(tick, this.curve.unit)),
      );
    }
    for (const tick of columns) {
      grid.append(shape('text', { x: this.across(tick).toFixed(1), y: FIELD.bottom + 16, 'text-anchor': 'middle' }, placeText(tick)));
    }
    const middle = (FIELD.left + FIELD.right) / 2;
    grid.append(shape('text', { x: middle, y: FIELD.height - 4, 'text-anchor': 'middle' }, SCALES[view.x]));
    this.svg.append(grid, shape('path', { class: 'baseline', d: `M${FIELD.left} ${FIELD.bottom}H${FIELD.right}` }));
  }

  drawMarks(ticks, low, high) {
    for (const [value, meaning] of this.curve.thresholds) {
      if (value < ticks[0] || value > ticks[ticks.length - 1]) continue;
      const y = this.down(value);
      this.svg.append(
        shape('path', { class: 'threshold', d: `M${FIELD.left} ${y.toFixed(1)}H${FIELD.right}` }),
        shape('text', { class: 'note', x: FIELD.right, y: (y - 4).toFixed(1), 'text-anchor': 'end' }, meaning),
      );
    }
    const best = this.lines[0].points.find((point) => point.step === this.curve.best);
    if (best === undefined || best.x < low || best.x > high) return;
    const x = this.across(best.x);
    const anchor = x > FIELD.width / 2 ? 'end' : 'start';
    this.svg.append(
      shape('path', { class: 'best', d: `M${x.toFixed(1)} ${FIELD.top}V${FIELD.bottom}` }),
      shape('text', { class: 'note', x: x.toFixed(1), y: FIELD.top - 5, 'text-anchor': anchor }, `best step ${best.step}`),
    );
  }

  drawLine(line) {
    const group = shape('g', { class: `c${line.colour}` });
    const raw = line.points.map((point) => [this.across(point.x), this.down(point.value)]);
    group.append(shape('path', { class: 'raw', d: pathOf(raw) }));
    if (raw.length <= 40) for (const [x, y] of raw) group.append(shape('circle', { cx: x.toFixed(1), cy: y.toFixed(1), r: 1.8 }));
    const strong = line.points.map((point) => [this.across(point.x), this.down(point.strong)]);
    const attributes = { class: 'strong', d: pathOf(strong) };
    group.append(shape('path', line.dashes ? { ...attributes, 'stroke-dasharray': line.dashes } : attributes));
    this.svg.append(group);
  }

  listen() {
    const { svg } = this;
    let start = null;
    svg.addEventListener('pointermove', (event) => {
      const px = this.pixel(event);
      if (start === null) this.show(px);
      else this.stretch(start, px);
    });
    svg.addEventListener('pointerleave', () => { if (start === null && document.activeElement !== svg) this.hide(); });
    svg.addEventListener('pointerdown', (event) => {
      this.show(this.pixel(event));
      if (event.pointerType === 'touch' || event.button !== 0 || !this.across) return;
      start = this.pixel(event);
      svg.setPointerCapture(event.pointerId);
    });
    svg.addEventListener('pointerup', (event) => {
      const from = start;
      start = null;
      if (from === null) return;
      const ends = [from, this.pixel(event)].sort((a, b) => a - b).map((px) => this.nearest(px));
      if (Math.abs(this.pixel(event) - from) > 8 && ends[0] < ends[1]) zoom(ends);
      else this.stretch(0, 0);
    });
    svg.addEventListener('pointercancel', () => { start = null; });
    svg.addEventListener('dblclick', () => zoom(null));
    svg.addEventListener('keydown', (event) => this.press(event));
    svg.addEventListener('blur', () => this.hide());
  }

  pixel(event) {
    const box = this.svg.getBoundingClientRect();
    const px = ((event.clientX - box.left) / box.width) * FIELD.width;
    return Math.min(FIELD.right, Math.max(FIELD.left, px));
  }

  stretch(from, to) {
    this.hide();
    this.zoomed.setAttribute('x', Math.min(from, to));
    this.zoomed.setAttribute('width', Math.abs(to - from));
  }

  steps() {
    return [...new Map(this.lines.flatMap((line) => line.points.map((point) => [point.x, point]))).values()].sort((a, b) => a.x - b.x);
  }

  press(event) {
    const known = this.across ? this.steps() : [];
    const moves = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };
    if (event.key === 'Escape') zoom(null);
    else if (event.key in moves && known.length > 0) {
      const at = this.at === null ? -1 : known.findIndex((point) => point.x === this.at);
      const next = Math.min(known.length - 1, Math.max(0, at + moves[event.key]));
      this.showAt(known[Number.isNaN(next) ? 0 : next].x);
      event.preventDefault();
    }
  }

  show(px) {
    if (!this.across || this.lines.every((line) => line.points.length === 0)) return;
    this.showAt(this.nearest(px));
  }

  nearest(px) {
    const x = this.back(px);
    return this.steps().reduce((best, point) => (Math.abs(point.x - x) < Math.abs(best.x - x) ? point : best)).x;
  }

  showAt(x) {
    this.at = x;
    const px = this.across(x);
    this.cursor.setAttribute('d', `M${px.toFixed(1)} ${FIELD.top}V${FIELD.bottom}`);
    const head = document.createElement('b');
    const rows = [head];
    for (const line of this.lines) {
      const point = nearestTo(line.points, x);
      if (point === undefined) continue;
      head.textContent ||= view.x === 'step' ? `step ${point.step.toLocaleString('en')}` : `${placeText(x)}, step ${point.step}`;
      const row = document.createElement('span');
      const key = document.createElement('i');
      key.className = `key s${line.colour}`;
      const mean = view.window > 1 ? ` (mean ${worded(point.strong, this.curve.unit)})` : '';
      row.append(key, `${line.name} ${worded(point.value, this.curve.unit)}${mean}`);
      rows.push(row);
    }
    this.tip.replaceChildren(...rows);
    this.tip.hidden = false;
    const box = this.svg.getBoundingClientRect();
    const figure = this.figure.getBoundingClientRect();
    const left = box.left - figure.left + (px / FIELD.width) * box.width;
    const room = figure.width - this.tip.offsetWidth - 4;
    this.tip.style.left = `${Math.max(4, Math.min(room, px > FIELD.width / 2 ? left - this.tip.offsetWidth - 10 : left + 10))}px`;
    this.tip.style.top = `${box.top - figure.top + 8}px`;
  }

  hide() {
    this.at = null;
    this.tip.hidden = true;
    if (this.cursor) this.cursor.removeAttribute('d');
    if (this.zoomed) this.zoomed.setAttribute('width', 0);
  }
}

function nearestTo(known, x) {
  return known.find((point) => point.x === x) ?? (points.runs.length > 1 ? closest(known, x) : undefined);
}

function closest(known, x) {
  const before = known.filter((point) => point.x <= x);
  return before.length === known.length ? undefined : before[before.length - 1];
}

const charts = points === null ? [] : [...document.querySelectorAll('figure[data-curve]')]
  .filter((figure) => figure.dataset.curve in points.curves)
  .map((figure) => new Chart(figure, points.curves[figure.dataset.curve]));

function drawAll() {
  for (const chart of charts) chart.draw();
}

function zoom(range) {
  view.range = range;
  document.querySelectorAll('[data-reset]').forEach((button) => { button.hidden = range === null; });
  drawAll();
  remember();
}
